import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, got, type Schemas } from '../api/client';
import { known } from '../ui/format';
import { Ago, Time } from '../ui/parts';
import { visible } from '../ui/visible';
import { Edit } from './edit';
import { Act, List, Rights, Shown, useSettled } from './list';
import { accountsOf, allOr, type Role } from './rights';

type Person = Schemas['Person'];
type Issued = { says: string; link: string };

/** People are those who may sign in: what each may, and how that is changed, ended and given back. */
export function People() {
  const asked = useQuery({ queryKey: ['people'], queryFn: () => got(api.GET('/api/v1/people')) });
  const { fault, run } = useSettled('people');
  const [issued, setIssued] = useState<Issued>();
  const [editing, setEditing] = useState('');
  function invite(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const f = new FormData(e.currentTarget);
    setIssued(undefined);
    run(async () => {
      const body = { role: String(f.get('role')) as Role, accounts: accountsOf(f.get('accounts')) };
      const { secret } = await got(api.POST('/api/v1/invitations', { body }));
      setIssued({
        says: 'Send this link; it makes one account, and is shown only now:',
        link: `${location.origin}/accept#${secret}`,
      });
    });
  }
  return (
    <List
      title="People"
      columns={['Name', 'Role', 'Accounts', 'Since', 'Access']}
      asked={asked}
      fault={fault}
      row={(p) => ({
        key: p.name,
        cells: [
          visible(p.name),
          p.role,
          allOr(p.accounts),
          <Time key="since" at={p.created_at} />,
          <Deeds key="deeds" person={p} run={run} edit={() => setEditing(p.name)} issue={setIssued} />,
        ],
      })}
    >
      {editing && <Edit key={editing} name={editing} close={() => setEditing('')} />}
      <form onSubmit={invite} className="line">
        <Rights may="analyst" />
        <Button type="submit" size="xs">
          Invite
        </Button>
      </form>
      {issued && <Shown says={issued.says} secret={issued.link} />}
    </List>
  );
}

interface DeedsProps {
  person: Person;
  run: (work: () => Promise<unknown>) => Promise<void>;
  edit: () => void;
  issue: (link: Issued | undefined) => void;
}

/** Deeds are what can be done about one person. */
function Deeds({ person: p, run, edit, issue }: DeedsProps) {
  const params = { path: { uid: p.name } };
  const issueBy = (at: '/api/v1/people/{uid}/link' | '/api/v1/people/{uid}/enable') => {
    issue(undefined);
    return run(async () => {
      const { secret } = await got(api.POST(at, { params }));
      issue({
        says: `Send this link to ${visible(p.name)}: it gives a new password once within 72 hours, and is shown only now:`,
        link: `${location.origin}/accept?for=${encodeURIComponent(p.name)}#${secret}`,
      });
    });
  };
  if (known(p.ended_at))
    return (
      <span className="deeds">
        <span className="dim">
          ended <Ago at={p.ended_at} />
        </span>
        <Act says="Give access again" run={() => issueBy('/api/v1/people/{uid}/enable')} />
      </span>
    );
  const header = { 'If-Match': `"${p.version}"` };
  return (
    <span className="deeds">
      <Act says="Change" run={edit} />
      <Act says="New password link" run={() => issueBy('/api/v1/people/{uid}/link')} />
      <Act
        says="End sessions"
        asks={`End all sessions of ${p.name}?`}
        run={() => run(() => got(api.DELETE('/api/v1/people/{uid}/sessions', { params })))}
      />
      <Act
        says="End access"
        asks={`End the access of ${p.name}, and all of their sessions?`}
        run={() => run(() => got(api.DELETE('/api/v1/people/{uid}', { params: { ...params, header } })))}
      />
    </span>
  );
}
