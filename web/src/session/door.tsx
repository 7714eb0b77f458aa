import { Button, Paper, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api, got } from '../api/client';
import { Trouble } from '../ui/parts';

/** Door signs a person in, or with the secret of a link makes an account. */
export function Door({ joining }: { joining: boolean }) {
  const [fault, setFault] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const secret = location.hash.slice(1);
  async function enter(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const body = { name: String(form.get('name')), password: String(form.get('password')) };
    setBusy(true);
    try {
      if (joining) await got(api.POST('/api/v1/invitations/accept', { body: { ...body, secret } }));
      else await got(api.POST('/api/v1/session', { body }));
      const to = new URLSearchParams(location.search).get('to') ?? '/';
      location.assign(/^\/(?![/\\])/.test(to) ? to : '/');
    } catch (err) {
      setFault(err as Error);
      setBusy(false);
    }
  }
  return (
    <Paper component="main" maw={380} mx="auto" mt={80} p="lg" withBorder>
      <form onSubmit={enter}>
        <Stack>
          <Title order={1} size="h3">
            {joining ? 'Make your account' : 'Sign in to Tocsin'}
          </Title>
          {joining && !secret && (
            <Trouble error={new Error('This link has lost its secret: open it whole, with what follows #.')} />
          )}
          {fault && <Trouble error={fault} />}
          <TextInput name="name" label="Name" autoComplete="username" required autoFocus />
          <PasswordInput
            name="password"
            label="Password"
            autoComplete={joining ? 'new-password' : 'current-password'}
            required
          />
          <Button type="submit" loading={busy}>
            {joining ? 'Make account' : 'Sign in'}
          </Button>
        </Stack>
      </form>
    </Paper>
  );
}
