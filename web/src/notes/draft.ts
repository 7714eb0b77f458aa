import { useCallback, useState } from 'react';

// A note that is being written outlives whatever happens to its page: a dialog that is closed, a page that is read anew, a reload.

type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** drafts keeps texts under names; a browser that keeps nothing loses nothing else. */
export function drafts(store: () => Store) {
  const place = (name: string) => `tocsin.draft.${name}`;
  return {
    read(name: string): string {
      try {
        return store().getItem(place(name)) ?? '';
      } catch {
        return '';
      }
    },
    keep(name: string, text: string) {
      try {
        if (text) store().setItem(place(name), text);
        else store().removeItem(place(name));
      } catch {
        // it is still in the field
      }
    },
  };
}

const kept = drafts(() => sessionStorage);

/** useDraft is a text under a name, as it was left. Setting it empty lets go of it. */
export function useDraft(name: string): [string, (text: string) => void] {
  const [text, setText] = useState(() => kept.read(name));
  const set = useCallback(
    (t: string) => {
      kept.keep(name, t);
      setText(t);
    },
    [name],
  );
  return [text, set];
}
