import { Textarea } from '@mantine/core';
import type { KeyboardEvent } from 'react';
import { Note } from './note';

interface EditorProps {
  text: string;
  set: (text: string) => void;
  sent: (e: KeyboardEvent) => void;
  error?: string | false;
}

/** Editor is a note in the making, with how it will be read beside it. */
export function Editor({ text, set, sent, error }: EditorProps) {
  return (
    <div className="editor">
      <Textarea
        id="decide-comment"
        label="Note, in Markdown"
        description="ctrl enter adds it; what you write stays here until it is added"
        autosize
        minRows={8}
        maxRows={18}
        maxLength={20_000}
        value={text}
        onChange={(e) => set(e.currentTarget.value)}
        onKeyDown={sent}
        error={error}
        data-autofocus
      />
      <section aria-label="As it will be read">
        <h3>As it will be read</h3>
        {text.trim() ? (
          <Note text={text} />
        ) : (
          <p className="dim">
            **bold**, *italic*, `code`, - lists, &gt; quotes, ``` blocks of code, [names](https://…) of pages. Nothing
            else becomes anything: no HTML, no pictures.
          </p>
        )}
      </section>
    </div>
  );
}
