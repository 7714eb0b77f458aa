import '@mantine/core/styles.css';
import { Anchor, Button, Group, Loader, MantineProvider, Table, Text, Title } from '@mantine/core';
import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { api, got } from './api/client';
import { Door } from './session/door';
import { Said, Severity, Time, Trouble } from './ui/parts';

async function leave() {
  await got(api.DELETE('/api/v1/session'));
  location.assign('/sign-in');
}

/** Queue lists open incidents, the weightiest first. */
function Queue() {
  const page = useQuery({
    queryKey: ['incidents'],
    queryFn: () => got(api.GET('/api/v1/incidents', { params: { query: { status: 'open' } } })),
    refetchInterval: 15_000,
    retry: false,
  });
  const rows = page.data?.items ?? [];
  return (
    <main style={{ padding: 16, overflowX: 'auto' }}>
      <Group justify="space-between">
        <Title order={1} size="h3">
          Open incidents {page.data && `(${page.data.total})`}
        </Title>
        <Button variant="default" onClick={() => leave().catch(() => location.assign('/sign-in'))}>
          Sign out
        </Button>
      </Group>
      {page.isPending && <Loader aria-label="Loading" />}
      {page.error && <Trouble error={page.error} retry={() => page.refetch()} />}
      {page.data && rows.length === 0 && (
        <Text>Nothing is open. Incidents appear here as sources deliver: tocsin source add.</Text>
      )}
      <Table>
        <Table.Tbody>
          {rows.map((r) => (
            <Table.Tr key={r.uid}>
              <Table.Td>
                <Severity level={r.severity} />
              </Table.Td>
              <Table.Td>{r.score}</Table.Td>
              <Table.Td>
                <Said text={r.headline} />
              </Table.Td>
              <Table.Td>
                <Time at={r.last_seen} />
              </Table.Td>
              <Table.Td>{r.status.replace('_', ' ')}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </main>
  );
}

function Page() {
  if (location.pathname === '/sign-in') return <Door joining={false} />;
  if (location.pathname === '/accept') return <Door joining />;
  if (location.pathname === '/') return <Queue />;
  return <Anchor href="/">There is nothing here; go to the queue</Anchor>;
}

createRoot(document.getElementById('root') as HTMLElement).render(
  <MantineProvider defaultColorScheme="auto">
    <QueryClientProvider client={new QueryClient()}>
      <Page />
    </QueryClientProvider>
  </MantineProvider>,
);
