import { useEffect, useRef } from 'react';

/** Keys maps a key, as KeyboardEvent.key or two in a row ("g q"), to what it does. */
export type Keys = Record<string, (() => void) | undefined>;

/** typing reports whether keys go into a field now. */
export function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
  );
}

const leads = 'g'; // it begins pairs: what follows it is no key of its own, in no table

/** meant says which key of a table a stroke means, given the stroke before it and when that was. */
export function meant(keys: Keys, before: string, key: string): string | undefined {
  if (before && keys[`${before} ${key}`]) return `${before} ${key}`;
  if (before === leads) return undefined;
  return keys[key] ? key : undefined;
}

const pairWithin = 1200; // milliseconds between the two strokes of a pair

const over = '[role="dialog"], [role="menu"]';

// What lies over the page when a key goes down has that key, even where it is gone before the page hears of it: the escape that closes a
// dialog does not also leave the page. This listens before all others.
let covered = false;
globalThis.addEventListener?.(
  'keydown',
  () => {
    covered = document.querySelector(over) !== null;
  },
  true,
);

/**
 * useKeys listens while a component stands and nobody types. An open dialog takes the keys from what lies under it. A key of a page goes
 * before the same key of what stands around all pages, which listens at the window.
 */
export function useKeys(keys: Keys, on = true, inDialog = false, around = false) {
  const now = useRef(keys);
  now.current = keys;
  useEffect(() => {
    if (!on) return;
    let before = '';
    let at = 0;
    function pressed(e: KeyboardEvent) {
      if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || typing(e.target)) return;
      if (!inDialog && (covered || document.querySelector(over))) return;
      if ((e.key === 'Enter' || e.key === ' ') && e.target instanceof HTMLElement && e.target.closest('a, button'))
        return;
      const key = meant(now.current, e.timeStamp - at < pairWithin ? before : '', e.key);
      before = e.key;
      at = e.timeStamp;
      if (!key) return;
      before = '';
      e.preventDefault();
      now.current[key]?.();
    }
    const where = around ? window : document;
    where.addEventListener('keydown', pressed as EventListener);
    return () => where.removeEventListener('keydown', pressed as EventListener);
  }, [on, inDialog, around]);
}
