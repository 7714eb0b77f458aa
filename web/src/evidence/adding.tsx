import { Button, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type ChangeEvent, type DragEvent, type FormEvent, useEffect, useRef, useState } from 'react';
import { bytes, count } from '../ui/format';
import { typing, useKeys } from '../ui/keys';
import { Key, Trouble } from '../ui/parts';
import { visible } from '../ui/visible';
import { add, refused, type Staged, staged } from './files';

/** Adding takes files and screenshots into a set: dropped, pasted, or chosen by key. Each goes with one reason into the chain of custody. */
export function Adding({ set }: { set: string }) {
  const client = useQueryClient();
  const chooser = useRef<HTMLInputElement>(null);
  const reason = useRef<HTMLInputElement>(null);
  const [list, setList] = useState<readonly Staged[]>([]);
  const [why, setWhy] = useState('');
  const [over, setOver] = useState(false);
  const [busy, setBusy] = useState('');
  const [fault, setFault] = useState<Error>();
  const [said, setSaid] = useState('');
  useKeys({ f: () => chooser.current?.click() });
  function take(files: Iterable<File>, pasted = false) {
    const more = staged(files, pasted, new Date());
    if (more.length === 0) return;
    setList((l) => [...l, ...more]);
    setSaid('');
    setTimeout(() => reason.current?.focus());
  }
  usePaste((files) => take(files, true));
  function dropped(e: DragEvent) {
    e.preventDefault();
    setOver(false);
    take(e.dataTransfer.files);
  }
  const good = list.filter((s) => !refused(s));
  async function send(e: FormEvent) {
    e.preventDefault();
    if (good.length === 0 || !why.trim() || busy) return;
    setFault(undefined);
    let n = 0;
    try {
      for (const s of good) {
        setBusy(s.name);
        await add(set, s, why.trim());
        n++;
        setList((l) => l.filter((x) => x !== s)); // what is in the set is not sent twice
      }
      setWhy('');
    } catch (x) {
      setFault(x as Error);
    }
    if (n > 0) setSaid(`${count(n)} added and sealed: what it holds shows the hash of each`);
    setBusy('');
    await client.invalidateQueries({ queryKey: ['evidence'] });
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the button inside does the same
    <div
      className={`adding ${over ? 'over' : ''}`}
      onDragOver={(e) => {
        e.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={dropped}
    >
      <div className="line">
        <span className="dim">
          Add files or screenshots of pages: drop or paste them here. Each has at most 64 MiB.
        </span>
        <Button size="xs" variant="default" onClick={() => chooser.current?.click()}>
          Choose files&nbsp;<Key>f</Key>
        </Button>
      </div>
      <input
        ref={chooser}
        type="file"
        multiple
        hidden
        aria-label="Files to add"
        onChange={(e: ChangeEvent<HTMLInputElement>) => {
          take([...(e.currentTarget.files ?? [])]);
          e.currentTarget.value = '';
        }}
      />
      {list.length > 0 && (
        <form onSubmit={send}>
          <ul className="staged" aria-label="Files that wait">
            {list.map((s, i) => (
              <li key={`${s.name} ${s.file.size} ${i}`}>
                <span>
                  {visible(s.name.slice(0, 200))}{' '}
                  <span className="dim">
                    {s.kind}, {bytes(s.file.size)}
                  </span>
                </span>
                <button type="button" className="link" onClick={() => setList(list.filter((x) => x !== s))}>
                  leave out
                </button>
                {refused(s) && <p className="bad">{refused(s)}</p>}
              </li>
            ))}
          </ul>
          <div className="line">
            <TextInput
              ref={reason}
              size="xs"
              aria-label="Why they are added"
              placeholder="Why: the chain of custody keeps it"
              maxLength={4000}
              value={why}
              onChange={(e) => setWhy(e.currentTarget.value)}
            />
            <Button size="xs" type="submit" loading={!!busy} disabled={good.length === 0 || !why.trim()}>
              Add {good.length === 1 ? 'it' : `${count(good.length)} files`}
            </Button>
          </div>
        </form>
      )}
      {fault && <Trouble error={fault} />}
      <p role="status" className="dim">
        {busy ? `Sending ${visible(busy.slice(0, 100))}…` : said}
      </p>
    </div>
  );
}

/** usePaste hears of files that are pasted anywhere on the page; text that is pasted into a field stays the field's. */
function usePaste(take: (files: File[]) => void) {
  const now = useRef(take);
  now.current = take;
  useEffect(() => {
    function pasted(e: ClipboardEvent) {
      const files = [...(e.clipboardData?.files ?? [])];
      if (files.length === 0 || (typing(e.target) && e.clipboardData?.types.includes('text/plain'))) return;
      e.preventDefault();
      now.current(files);
    }
    addEventListener('paste', pasted);
    return () => removeEventListener('paste', pasted);
  }, []);
}
