import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { useMay } from '../api/asks';
import { useKeys } from '../ui/keys';
import { Key } from '../ui/parts';
import type { Case } from './asks';

const Merging = lazy(() => import('./merging'));
const Splitting = lazy(() => import('./splitting'));

/** useRegroup gives the keys, the buttons and the dialog by which an incident takes in another, or lets go of a part. */
export function useRegroup(incident: Case) {
  const may = useMay('triage') && !incident.merged_into;
  const client = useQueryClient();
  const [asks, setAsks] = useState<'merge' | 'split'>();
  const count = incident.whole?.alerts ?? incident.alerts?.length ?? 0;
  const splits = may && (count > 1 || (incident.merged?.length ?? 0) > 0);
  useKeys({ m: () => setAsks('merge'), S: splits ? () => setAsks('split') : undefined }, may);
  const dialog = {
    incident,
    close: () => setAsks(undefined),
    done: () => {
      setAsks(undefined);
      client.invalidateQueries();
    },
  };
  return {
    buttons: may && (
      <>
        <Button size="xs" variant="default" onClick={() => setAsks('merge')}>
          Merge&nbsp;<Key>m</Key>
        </Button>
        <Button size="xs" variant="default" disabled={!splits} onClick={() => setAsks('split')}>
          Split&nbsp;<Key>S</Key>
        </Button>
      </>
    ),
    dialog: asks && <Suspense>{asks === 'merge' ? <Merging {...dialog} /> : <Splitting {...dialog} />}</Suspense>,
  };
}
