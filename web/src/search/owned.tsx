import { Switch } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useKeys } from '../ui/keys';
import { Key } from '../ui/parts';

/** useOwn says whether Tocsin's own audit events are asked for; the address holds it. */
export function useOwn(): boolean {
  return useSearch({ strict: false }).own === '1';
}

/** Own lets Tocsin's own audit events in, which are left out otherwise: each question makes one that names what was asked for. */
export function Own({ to, on }: { to: '/search' | '/pivot' | '/entity'; on?: () => void }) {
  const go = useNavigate();
  const search = useSearch({ strict: false });
  const own = search.own === '1';
  const turn = () => {
    on?.();
    go({ to, search: { ...search, own: own ? undefined : '1' }, replace: true, resetScroll: false });
  };
  useKeys({ w: turn });
  return (
    <Switch
      size="xs"
      checked={own}
      onChange={turn}
      title="Also what Tocsin wrote down about itself: who signed in, asked, changed"
      label={
        <>
          Tocsin’s own <Key>w</Key>
        </>
      }
    />
  );
}
