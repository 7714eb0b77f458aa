import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import { useKeys } from './keys';

/** Listed is what a list of rows needs to be walked by keys. */
interface Listed<T> {
  rows: readonly T[];
  id: (row: T) => string;
  open: (row: T) => void;
  height: number; // about, in pixels
  end?: () => void; // asked for more
  inDialog?: boolean;
}

/** useRows keeps which row has the cursor and which are chosen, lays out only what is seen, and moves by j, k, enter and x. */
export function useRows<T>({ rows, id, open, height, end, inDialog }: Listed<T>) {
  const box = useRef<HTMLElement>(null);
  const [cursor, setCursor] = useState<string>();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const found = rows.findIndex((r) => id(r) === cursor);
  const at = Math.max(0, found); // what one stands on stays, wherever it moves to
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => height,
    overscan: 12,
  });
  const last = virtual.getVirtualItems().at(-1)?.index ?? 0;
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - 20) end?.();
  }, [last, rows.length, end]);
  function move(step: number) {
    const next = Math.max(0, Math.min(rows.length - 1, at + step));
    const row = rows[next];
    if (!row) return;
    setCursor(id(row));
    virtual.scrollToIndex(next, { align: 'auto' });
  }
  function toggle(uid: string) {
    const next = new Set(chosen);
    if (!next.delete(uid)) next.add(uid);
    setChosen(next);
  }
  const current = rows[at];
  const keys = {
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Enter: current ? () => open(current) : undefined,
    x: current
      ? () => {
          toggle(id(current));
          move(1);
        }
      : undefined,
  };
  useKeys(keys, true, inDialog);
  return { box, virtual, at, current, chosen, toggle, setChosen, setCursor };
}
