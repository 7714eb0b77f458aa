import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState, useSyncExternalStore } from 'react';
import { api, got } from '../api/client';
import { mine } from '../api/live';
import { useNow } from '../ui/clock';
import { useKeys } from '../ui/keys';
import { Key } from '../ui/parts';

/** undoFor is how long the server lets a decision be undone, in milliseconds. */
export const undoFor = 30_000;

interface Done {
  change: string;
  said: string;
  until: number;
}

let last: Done | undefined;
const listeners = new Set<() => void>();

/** decided offers to undo a decision that was just made. */
export function decided(change: string, said: string) {
  put(change ? { change, said, until: Date.now() + undoFor } : undefined);
}

function put(d: Done | undefined) {
  last = d;
  for (const l of listeners) l();
}

function subscribe(l: () => void) {
  listeners.add(l);
  return () => listeners.delete(l);
}

/** Undo says what was decided, and takes it back by one key while that can be. */
export function Undo() {
  const done = useSyncExternalStore(subscribe, () => last);
  const now = useNow();
  const client = useQueryClient();
  const [fault, setFault] = useState<string>();
  const left = done ? Math.ceil((done.until - now) / 1000) : 0;
  async function undo() {
    if (!done || left <= 0) return;
    try {
      const out = await got(api.POST('/api/v1/decisions/{uid}/undo', { params: { path: { uid: done.change } } }));
      mine(out.changed);
      put(undefined);
      setFault(undefined);
      await client.invalidateQueries();
    } catch (e) {
      setFault((e as Error).message);
    }
  }
  useKeys({ u: left > 0 ? undo : undefined });
  if (!done || left <= 0) return <div className="undo-place" role="status" />;
  return (
    <div className="undo-place" role="status">
      <div className="undo">
        <span>{fault ?? done.said}</span>
        <Button size="compact-sm" onClick={undo}>
          Undo&nbsp;<Key>u</Key>
        </Button>
        <span className="dim">{left} s</span>
      </div>
    </div>
  );
}
