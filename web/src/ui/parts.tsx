import { Alert, Badge, Button, Text, Tooltip } from '@mantine/core';
import { visible } from './visible';

const colours: Record<string, string> = {
  critical: 'red.9',
  high: 'orange.9',
  medium: 'yellow.3',
  low: 'blue.9',
  informational: 'gray.8',
};

/** Severity says how severe by word and colour. */
export function Severity({ level }: { level: string }) {
  return (
    <Badge color={colours[level] ?? 'gray.8'} variant="filled" autoContrast radius="sm" miw={90}>
      {level}
    </Badge>
  );
}

/** Time is local, and UTC on hover. */
export function Time({ at }: { at?: string }) {
  if (!at || at.startsWith('0001')) return <>–</>;
  const d = new Date(at);
  return (
    <Tooltip label={`${d.toISOString()} (UTC)`}>
      <time dateTime={at}>{d.toLocaleString()}</time>
    </Tooltip>
  );
}

/** Said is text that came from a log. */
export function Said({ text }: { text: string }) {
  return <span style={{ overflowWrap: 'anywhere' }}>{visible(text)}</span>;
}

/** Trouble says what went wrong and offers to try again. */
export function Trouble({ error, retry }: { error: Error; retry?: () => void }) {
  return (
    <Alert color="red" title="This did not work" role="alert">
      <Text size="sm">{visible(error.message)}</Text>
      {retry && (
        <Button mt="sm" size="xs" variant="default" onClick={retry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}
