import { Button, Group, Modal, Select, Textarea } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type KeyboardEvent, useCallback, useState } from 'react';
import { useMe, useNames, useVerdicts } from '../api/asks';
import { api, Fault, got } from '../api/client';
import { mine } from '../api/live';
import { useDraft } from '../notes/draft';
import { Editor } from '../notes/editor';
import { type Keys, useKeys } from '../ui/keys';
import { Key, Trouble } from '../ui/parts';
import {
  type Change,
  changeOf,
  type Draft,
  type Kind,
  lacking,
  levels,
  type Option,
  type Step,
  saidOf,
  statuses,
  verdicts,
} from './change';
import { decided } from './undo';

/** About is what a decision is about: one finding with the version that one read, or several. */
export interface About {
  kind: Kind;
  uids: readonly string[];
  version?: number;
}

/** put asks the server for a change, and offers to undo it. */
async function put(about: About, change: Change) {
  const [uid] = about.uids;
  if (about.uids.length === 1 && uid && about.version !== undefined) {
    const asked = { params: { path: { uid }, header: { 'If-Match': `"${about.version}"` } }, body: change };
    let made = '';
    const ask =
      about.kind === 'incidents'
        ? api.PATCH('/api/v1/incidents/{uid}/decision', asked)
        : api.PATCH('/api/v1/alerts/{uid}/decision', asked);
    await got(
      ask.then((answer) => {
        made = answer.response.headers.get('Tocsin-Change') ?? '';
        return answer;
      }),
    );
    mine([uid]);
    decided(made, saidOf(change, 1));
    return;
  }
  const body = { uids: [...about.uids], change };
  const out = await got(
    about.kind === 'incidents'
      ? api.POST('/api/v1/incidents/decisions', { body })
      : api.POST('/api/v1/alerts/decisions', { body }),
  );
  mine(out.changed);
  const missing = out.missing?.length ?? 0;
  decided(
    out.id,
    saidOf(change, about.uids.length - missing) + (missing ? ` (${missing} were not there any more)` : ''),
  );
}

/** useDecide gives the keys and the dialog of decisions about what is chosen now. */
export function useDecide(about: About | undefined, after?: () => void) {
  const me = useMe();
  const client = useQueryClient();
  const [step, setStep] = useState<Step>();
  const [fault, setFault] = useState<Error>();
  const may = me.data?.rights?.includes('triage') ?? false;
  const ready = may && !!about && about.uids.length > 0;
  const decide = useCallback(
    async (change: Change) => {
      if (!about) return false;
      try {
        await put(about, change);
        setFault(undefined);
        setStep(undefined);
        after?.();
        await client.invalidateQueries();
        return true;
      } catch (e) {
        setFault(
          e instanceof Fault && e.status === 412
            ? new Fault(
                412,
                'Somebody else decided about this since you opened it. It is shown anew now: look, then decide again.',
              )
            : (e as Error),
        );
      }
      await client.invalidateQueries();
      return false;
    },
    [about, after, client],
  );
  const open = useCallback((s: Step) => {
    setFault(undefined);
    setStep(s);
  }, []);
  const keys: Keys = ready
    ? {
        v: () => open('verdict'),
        s: () => open('status'),
        e: () => open('severity'),
        n: () => open('note'),
        A: () => open('assignee'),
        a: me.data?.kind === 'person' ? () => decide({ assignee: me.data?.name ?? '' }) : undefined,
      }
    : {};
  useKeys(keys);
  const dialog = step && about && (
    <Decide key={step} step={step} about={about} fault={fault} decide={decide} close={() => setStep(undefined)} />
  );
  return { open, decide, may, ready, dialog, fault: step ? undefined : fault, me: me.data };
}

const titles: Record<Step, string> = {
  verdict: 'Verdict',
  status: 'Status',
  severity: 'Severity',
  assignee: 'Assign to',
  note: 'Note',
};
const options: Partial<Record<Step, readonly Option[]>> = { verdict: verdicts, status: statuses, severity: levels };

interface DecideProps {
  step: Step;
  about: About;
  fault?: Error;
  decide: (c: Change) => Promise<boolean>; // whether it was done
  close: () => void;
}

function Decide({ step, about, fault, decide, close }: DecideProps) {
  const [note, setNote] = useDraft(`note.${about.uids.length === 1 ? about.uids[0] : about.kind}`);
  const [written, setDraft] = useState<Draft>({ comment: '' });
  const draft = step === 'note' ? { ...written, comment: note } : written;
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState(false);
  const names = useNames(step === 'assignee');
  const reasons = useVerdicts().data?.find((v) => v.verdict === draft.chosen)?.reasons ?? [];
  const list = options[step];
  const lacks = lacking(step, draft);
  async function submit() {
    setAsked(true);
    if (lacks || busy) return;
    setBusy(true);
    if ((await decide(changeOf(step, draft))) && step === 'note') setNote('');
    setBusy(false);
  }
  function choose(value: string) {
    setDraft({ ...draft, chosen: value, reason: undefined });
    if (step === 'status') {
      setBusy(true);
      decide(changeOf(step, { ...draft, chosen: value })).finally(() => setBusy(false));
    } else setTimeout(() => document.getElementById('decide-comment')?.focus());
  }
  useKeys(
    { ...Object.fromEntries((list ?? []).map((o) => [o.key, () => choose(o.value)])), Enter: submit },
    true,
    true,
  );
  function sent(e: KeyboardEvent) {
    if (e.key !== 'Enter' || e.shiftKey || (step === 'note' && !e.ctrlKey)) return;
    e.preventDefault();
    submit();
  }
  return (
    <Modal
      opened
      onClose={close}
      title={`${titles[step]}${about.uids.length > 1 ? ` of ${about.uids.length.toLocaleString('en')}` : ''}`}
      size={step === 'note' ? 'xl' : 'md'}
    >
      <div className="decide" tabIndex={-1} data-autofocus={step === 'note' ? undefined : true}>
        {list && (
          <div role="radiogroup" aria-label={titles[step]} className="choose">
            {list.map((o) => (
              // biome-ignore lint/a11y/useSemanticElements: a button that a single key presses
              <button
                key={o.value}
                type="button"
                role="radio"
                aria-checked={draft.chosen === o.value}
                onClick={() => choose(o.value)}
              >
                <Key>{o.key}</Key> {o.says}
              </button>
            ))}
          </div>
        )}
        {step === 'assignee' && (
          <Select
            label="Who works on it"
            data={names.data ?? []}
            value={draft.chosen ?? null}
            onChange={(v) => setDraft({ ...draft, chosen: v ?? undefined })}
            placeholder="nobody"
            clearable
            searchable
            comboboxProps={{ withinPortal: false }}
          />
        )}
        {step === 'verdict' && reasons.length > 0 && (
          <Group gap={6} role="radiogroup" aria-label="Reason">
            {reasons.map((r) => (
              // biome-ignore lint/a11y/useSemanticElements: looks like a chip, is a radio
              <button
                key={r}
                type="button"
                className="chip"
                role="radio"
                aria-checked={draft.reason === r}
                onClick={() => setDraft({ ...draft, reason: draft.reason === r ? undefined : r })}
              >
                {r}
              </button>
            ))}
          </Group>
        )}
        {step === 'note' && <Editor text={note} set={setNote} sent={sent} error={asked && lacks} />}
        {(step === 'verdict' || step === 'severity') && (
          <Textarea
            id="decide-comment"
            label={step === 'severity' ? 'Why' : 'Comment (if you like)'}
            description="enter decides, shift enter begins a line"
            autosize
            minRows={1}
            maxRows={12}
            value={draft.comment}
            onChange={(e) => setDraft({ ...draft, comment: e.currentTarget.value })}
            onKeyDown={sent}
            error={asked && lacks}
          />
        )}
        {fault && <Trouble error={fault} />}
        {step !== 'status' && (
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button onClick={submit} loading={busy}>
              {step === 'note' ? 'Add note' : 'Decide'}
            </Button>
          </Group>
        )}
      </div>
    </Modal>
  );
}
