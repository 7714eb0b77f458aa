import { Button, Select, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useMay, useMe } from '../api/asks';
import { api, got, type Schemas } from '../api/client';
import { known } from '../ui/format';
import { Ago, Panel, Scroll, Time, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';

type Role = Schemas['RoleAndAccounts']['role'];
const roles: Role[] = ['viewer', 'analyst', 'responder', 'engineer', 'admin'];
const does: Record<Role, string> = {
  viewer: 'reads',
  analyst: 'reads and judges',
  responder: 'judges, and acts on what is watched',
  engineer: 'judges, and tends sources and rules',
  admin: 'all, people too',
};
const roleChoices = roles.map((r) => ({ value: r, label: `${r}: ${does[r]}` }));

/** Settings are one's own sessions, and for who governs, people and tokens. */
export function Settings() {
  const govern = useMay('govern');
  const me = useMe();
  return (
    <div className="page">
      <header className="page-head">
        <h1>Settings</h1>
        <span className="dim">
          {me.data &&
            `${visible(me.data.name)}, ${me.data.role}; sees ${me.data.accounts?.includes('*') ? 'all accounts' : (me.data.accounts ?? []).join(', ')}`}
        </span>
      </header>
      <Sessions />
      {govern && <People />}
      {govern && <Tokens />}
    </div>
  );
}

/** useSettled runs a change of a list, then reads the list anew. */
function useSettled(key: string) {
  const client = useQueryClient();
  const [fault, setFault] = useState<Error>();
  async function run(work: () => Promise<unknown>) {
    try {
      await work();
      setFault(undefined);
    } catch (e) {
      setFault(e as Error);
    }
    await client.invalidateQueries({ queryKey: [key] });
  }
  return { fault, run };
}

function accountsOf(text: FormDataEntryValue | null): string[] {
  const list = String(text ?? '')
    .split(/[\s,]+/)
    .filter(Boolean);
  return list.length > 0 ? list : ['*'];
}

function Sessions() {
  const me = useMe();
  const asked = useQuery({ queryKey: ['sessions'], queryFn: () => got(api.GET('/api/v1/sessions')) });
  const { fault, run } = useSettled('sessions');
  return (
    <Panel title="Open sessions">
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {fault && <Trouble error={fault} />}
      <Scroll label="Sessions">
        <table className="grid">
          <thead>
            <tr>
              <th>Who</th>
              <th>From</th>
              <th>Since</th>
              <th>Last seen</th>
              <th>
                <span className="dim">End</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {asked.data?.map((s) => (
              <tr key={s.id}>
                <td>{visible(s.person)}</td>
                <td>
                  {visible(s.address)} <span className="dim">{visible(s.client.slice(0, 90))}</span>
                </td>
                <td>
                  <Time at={s.created_at} />
                </td>
                <td>
                  <Ago at={s.seen_at} />
                </td>
                <td>
                  {s.id === me.data?.session ? (
                    <span className="dim">this one</span>
                  ) : (
                    <Button
                      size="compact-xs"
                      variant="default"
                      onClick={() =>
                        run(() => got(api.DELETE('/api/v1/sessions/{uid}', { params: { path: { uid: s.id } } })))
                      }
                    >
                      End
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Panel>
  );
}

function People() {
  const asked = useQuery({ queryKey: ['people'], queryFn: () => got(api.GET('/api/v1/people')) });
  const { fault, run } = useSettled('people');
  const [link, setLink] = useState('');
  function invite(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const f = new FormData(e.currentTarget);
    run(async () => {
      const out = await got(
        api.POST('/api/v1/invitations', {
          body: { role: String(f.get('role')) as Role, accounts: accountsOf(f.get('accounts')) },
        }),
      );
      setLink(`${location.origin}/accept#${out.secret}`);
    });
  }
  return (
    <Panel title="People">
      {asked.isPending && <Waiting what="Reading people" />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      <Scroll label="Accounts of people">
        <table className="grid">
          <thead>
            <tr>
              <th>Name</th>
              <th>Role</th>
              <th>Accounts</th>
              <th>Since</th>
              <th>
                <span className="dim">Access</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {asked.data?.map((p) => (
              <tr key={p.name}>
                <td>{visible(p.name)}</td>
                <td>{p.role}</td>
                <td>{p.accounts?.includes('*') ? 'all' : (p.accounts ?? []).join(', ')}</td>
                <td>
                  <Time at={p.created_at} />
                </td>
                <td>
                  {known(p.ended_at) ? (
                    <span className="dim">
                      ended <Ago at={p.ended_at} />
                    </span>
                  ) : (
                    <Button
                      size="compact-xs"
                      variant="default"
                      onClick={() =>
                        confirm(`End the access of ${p.name}, and all of their sessions?`) &&
                        run(() => got(api.DELETE('/api/v1/people/{uid}', { params: { path: { uid: p.name } } })))
                      }
                    >
                      End access
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {fault && <Trouble error={fault} />}
      <form onSubmit={invite} className="line">
        <TextInput name="accounts" size="xs" label="Accounts" placeholder="all; or numbers with commas between" />
        <Select name="role" size="xs" label="Role" data={roleChoices} defaultValue="analyst" allowDeselect={false} />
        <Button type="submit" size="xs">
          Invite
        </Button>
      </form>
      {link && (
        <p role="status">
          Send this link; it makes one account, and is shown only now: <code className="secret">{link}</code>
        </p>
      )}
    </Panel>
  );
}

function Tokens() {
  const asked = useQuery({ queryKey: ['tokens'], queryFn: () => got(api.GET('/api/v1/tokens')) });
  const { fault, run } = useSettled('tokens');
  const [secret, setSecret] = useState('');
  function make(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const f = new FormData(e.currentTarget);
    run(async () => {
      const body = {
        name: String(f.get('name')),
        role: String(f.get('role')) as Role,
        accounts: accountsOf(f.get('accounts')),
        days: 90,
      };
      setSecret((await got(api.POST('/api/v1/tokens', { body }))).secret);
    });
  }
  return (
    <Panel title="Tokens for programs">
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      <Scroll label="Tokens">
        <table className="grid">
          <thead>
            <tr>
              <th>Name</th>
              <th>May</th>
              <th>Accounts</th>
              <th>Ends</th>
              <th>
                <span className="dim">Revoke</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {asked.data?.map((t) => (
              <tr key={`${t.name}${t.created_at}`}>
                <td>{visible(t.name)}</td>
                <td>{t.source ? `deliver to ${visible(t.source)}` : t.role}</td>
                <td>{t.accounts?.includes('*') ? 'all' : (t.accounts ?? []).join(', ')}</td>
                <td>{known(t.expires_at) ? <Time at={t.expires_at} /> : 'never'}</td>
                <td>
                  {known(t.revoked_at) ? (
                    <span className="dim">revoked</span>
                  ) : (
                    <Button
                      size="compact-xs"
                      variant="default"
                      onClick={() =>
                        confirm(`Revoke ${t.name}? Programs that use it are refused at once.`) &&
                        run(() => got(api.DELETE('/api/v1/tokens/{uid}', { params: { path: { uid: t.name } } })))
                      }
                    >
                      Revoke
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {fault && <Trouble error={fault} />}
      <form onSubmit={make} className="line">
        <TextInput name="name" size="xs" label="Name" placeholder="what it is for" required maxLength={100} />
        <TextInput name="accounts" size="xs" label="Accounts" placeholder="all" />
        <Select name="role" size="xs" label="Role" data={roleChoices} defaultValue="viewer" allowDeselect={false} />
        <Button type="submit" size="xs">
          Make a token for 90 days
        </Button>
      </form>
      {secret && (
        <p role="status">
          This is shown only now: <code className="secret">{secret}</code>
        </p>
      )}
    </Panel>
  );
}
