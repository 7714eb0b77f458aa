import { Button, Checkbox, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useMay } from '../api/asks';
import { api, got, type Schemas } from '../api/client';
import { mine } from '../api/live';
import { Note } from '../notes/note';
import { saidOf } from '../queue/change';
import { Ago, Empty, Time, Trouble } from '../ui/parts';
import { visible } from '../ui/visible';
import type { Case } from './asks';
import { Regrouped } from './memory';

/** useDo runs something that changes an incident, then reads it anew. */
function useDo(uid: string) {
  const client = useQueryClient();
  const [fault, setFault] = useState<Error>();
  async function run(work: () => Promise<unknown>) {
    try {
      await work();
      mine([uid]);
      setFault(undefined);
    } catch (e) {
      setFault(e as Error);
    }
    await client.invalidateQueries({ queryKey: ['incidents', 'one', uid] });
  }
  return { fault, run };
}

/** Tasks are what is to be done about an incident. */
export function Tasks({ incident }: { incident: Case }) {
  const may = useMay('triage');
  const { fault, run } = useDo(incident.uid);
  const path = { uid: incident.uid };
  const tasks = incident.tasks ?? [];
  function add(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = e.currentTarget;
    const title = String(new FormData(form).get('title')).trim();
    if (title)
      run(() => got(api.POST('/api/v1/incidents/{uid}/tasks', { params: { path }, body: { title } }))).then(() =>
        form.reset(),
      );
  }
  function set(id: string, done: boolean) {
    run(() =>
      got(api.PATCH('/api/v1/incidents/{uid}/tasks/{id}', { params: { path: { ...path, id } }, body: { done } })),
    );
  }
  return (
    <div className="tasks">
      {tasks.length === 0 && (
        <Empty title="Nothing to do yet">Write down what must happen before this is closed.</Empty>
      )}
      {tasks.map((t) => (
        <div key={t.id} className="task">
          <Checkbox
            checked={!!t.done_by}
            disabled={!may}
            onChange={(e) => set(t.id, e.currentTarget.checked)}
            label={visible(t.title)}
            description={t.done_by ? `done by ${visible(t.done_by)}` : t.assignee ? visible(t.assignee) : undefined}
          />
        </div>
      ))}
      {fault && <Trouble error={fault} />}
      {may && (
        <form onSubmit={add} className="line">
          <TextInput
            name="title"
            size="xs"
            aria-label="New task"
            placeholder="Rotate the key, ask the owner…"
            maxLength={500}
          />
          <Button type="submit" size="xs" variant="default">
            Add task
          </Button>
        </form>
      )}
    </div>
  );
}

/** Activity is what people did and wrote, the oldest first. */
export function Activity({ list }: { list: readonly Schemas['Activity'][] | null }) {
  if (!list?.length)
    return <Empty title="Nobody decided or wrote anything yet">v gives a verdict, n adds a note, a takes it.</Empty>;
  return (
    <ol className="activity">
      {list.map((a) => (
        <li key={a.id} className={a.undone ? 'undone' : ''}>
          <span className="dim">
            <Time at={a.at} />
          </span>
          <strong>{visible(a.actor)}</strong>
          <span>
            <Did deed={a} />
            {a.undone && ' · undone'}
          </span>
          {a.decided?.comment && <Note text={a.decided.comment} />}
        </li>
      ))}
    </ol>
  );
}

function Did({ deed: a }: { deed: Schemas['Activity'] }) {
  if (a.regrouped) return <Regrouped deed={a.regrouped} />;
  if (!a.decided) return visible(a.text ?? a.kind);
  if (a.kind === 'note') return 'wrote';
  const { reason, severity_reason: why } = a.decided;
  return `${saidOf(a.decided, 1)}${reason ? ` (${reason})` : ''}${why ? `: ${visible(why)}` : ''}`;
}

/** Links are pages elsewhere that belong to an incident. */
export function Links({ incident }: { incident: Case }) {
  const may = useMay('triage');
  const { fault, run } = useDo(incident.uid);
  function add(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = e.currentTarget;
    const url = String(new FormData(form).get('url')).trim();
    if (url)
      run(() =>
        got(api.POST('/api/v1/incidents/{uid}/links', { params: { path: { uid: incident.uid } }, body: { url } })),
      ).then(() => form.reset());
  }
  return (
    <>
      <ul className="links">
        {(incident.links ?? []).map((l) => (
          <li key={l.id}>
            {/^https?:\/\//.test(l.url) ? (
              <a href={l.url} target="_blank" rel="noreferrer noopener">
                {visible(l.title || l.url)}
              </a>
            ) : (
              visible(l.url)
            )}{' '}
            <span className="dim">
              {visible(l.created_by)}, <Ago at={l.created_at} />
            </span>
          </li>
        ))}
      </ul>
      {fault && <Trouble error={fault} />}
      {may && (
        <form onSubmit={add} className="line">
          <TextInput
            name="url"
            size="xs"
            type="url"
            aria-label="Address of a page"
            placeholder="https://… ticket, chat, runbook"
          />
          <Button type="submit" size="xs" variant="default">
            Link
          </Button>
        </form>
      )}
    </>
  );
}
