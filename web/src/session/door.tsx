import { Button, Paper, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, got } from '../api/client';
import bell from '../bell.svg';
import { Trouble } from '../ui/parts';
import { within } from './within';

/** Door signs a person in, or with the secret of a link makes an account. */
export function Door({ joining }: { joining: boolean }) {
  const [fault, setFault] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const secret = location.hash.slice(1);
  const whose = (joining && new URLSearchParams(location.search).get('for')) || ''; // who is there already, and chooses a new password
  const setup = useQuery({ queryKey: ['setup'], queryFn: () => got(api.GET('/api/v1/setup')), enabled: !joining });
  async function enter(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const body = { name: String(form.get('name')), password: String(form.get('password')) };
    setBusy(true);
    try {
      if (joining) await got(api.POST('/api/v1/invitations/accept', { body: { ...body, secret } }));
      else await got(api.POST('/api/v1/session', { body }));
      location.assign(within(new URLSearchParams(location.search).get('to')));
    } catch (err) {
      setFault(err as Error);
      setBusy(false);
    }
  }
  return (
    <main className="door">
      <div className="brand">
        <img src={bell} alt="" width={32} height={32} /> Tocsin
      </div>
      <Paper p="lg" withBorder>
        <form onSubmit={enter}>
          <Stack>
            <Title order={1} size="h3">
              {whose ? 'Choose a new password' : joining ? 'Make your account' : 'Sign in'}
            </Title>
            {joining && !secret && (
              <Trouble error={new Error('This link has lost its secret: open it whole, with what follows #.')} />
            )}
            {!joining && setup.data?.needed && (
              <p>
                Nobody has an account yet. <code>tocsin serve</code> printed a link that makes the first one: open it.
              </p>
            )}
            {fault && <Trouble error={fault} />}
            <TextInput
              name="name"
              label="Name"
              autoComplete="username"
              required
              autoFocus={!whose}
              readOnly={!!whose}
              defaultValue={whose}
            />
            <PasswordInput
              name="password"
              label="Password"
              autoFocus={!!whose}
              description={joining ? 'At least 15 characters; a sentence is good.' : undefined}
              autoComplete={joining ? 'new-password' : 'current-password'}
              required
            />
            <Button type="submit" loading={busy}>
              {whose ? 'Choose it' : joining ? 'Make account' : 'Sign in'}
            </Button>
          </Stack>
        </form>
      </Paper>
    </main>
  );
}
