import { Button, NumberInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, got } from '../api/client';
import { known } from '../ui/format';
import { Time } from '../ui/parts';
import { visible } from '../ui/visible';
import { Act, List, Rights, Shown, useSettled } from './list';
import { accountsOf, allOr, type Role } from './rights';

/** Tokens are for programs: each has a role, accounts and an end. */
export function Tokens() {
  const asked = useQuery({ queryKey: ['tokens'], queryFn: () => got(api.GET('/api/v1/tokens')) });
  const { fault, run } = useSettled('tokens');
  const [secret, setSecret] = useState('');
  function make(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const f = new FormData(e.currentTarget);
    setSecret('');
    run(async () => {
      const body = {
        name: String(f.get('name')),
        role: String(f.get('role')) as Role,
        accounts: accountsOf(f.get('accounts')),
        days: Number(f.get('days')),
      };
      setSecret((await got(api.POST('/api/v1/tokens', { body }))).secret);
    });
  }
  return (
    <List
      title="Tokens for programs"
      columns={['Name', 'May', 'Accounts', 'Ends', 'Revoke']}
      asked={asked}
      fault={fault}
      row={(t) => ({
        key: `${t.name}${t.created_at}`,
        cells: [
          visible(t.name),
          t.source ? `deliver to ${visible(t.source)}` : t.role,
          allOr(t.accounts),
          known(t.expires_at) ? <Time at={t.expires_at} /> : 'never',
          known(t.revoked_at) ? (
            <span className="dim">revoked</span>
          ) : (
            <Act
              says="Revoke"
              asks={`Revoke ${t.name}? Programs that use it are refused at once.`}
              run={() => run(() => got(api.DELETE('/api/v1/tokens/{uid}', { params: { path: { uid: t.name } } })))}
            />
          ),
        ],
      })}
    >
      <form onSubmit={make} className="line">
        <TextInput name="name" size="xs" label="Name" placeholder="what it is for" required maxLength={100} />
        <Rights may="viewer" />
        <NumberInput name="days" size="xs" label="Days (0: no end)" defaultValue={90} min={0} max={3650} w={120} />
        <Button type="submit" size="xs">
          Make a token
        </Button>
      </form>
      {secret && <Shown says="This is shown only now:" secret={secret} />}
    </List>
  );
}
