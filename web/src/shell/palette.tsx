import { Modal, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { api, got } from '../api/client';
import { visible } from '../ui/visible';
import { matching, type Place } from './places';

interface Choice {
  title: string;
  hint: string;
  run: () => void;
}

/** Palette goes to any page, any open incident, or takes the text to the search. */
export function Palette({ opened, close, places }: { opened: boolean; close: () => void; places: readonly Place[] }) {
  return (
    <Modal
      opened={opened}
      onClose={close}
      withCloseButton={false}
      padding={0}
      size="lg"
      yOffset="12vh"
      title="Go anywhere"
      classNames={{ header: 'heard' }}
    >
      {opened && <Choices close={close} places={places} />}
    </Modal>
  );
}

function Choices({ close, places }: { close: () => void; places: readonly Place[] }) {
  const go = useNavigate();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []); // at once: what one types next must not be lost
  const found = useQuery({
    queryKey: ['incidents', 'palette', text],
    queryFn: () => got(api.GET('/api/v1/incidents', { params: { query: { q: text, limit: 5 } } })),
    enabled: text.length > 1,
  });
  const choices: Choice[] = [
    ...matching(places, text).map((p) => ({ title: p.title, hint: `g ${p.key}`, run: () => go({ to: p.to }) })),
    ...(text.length > 1 ? (found.data?.items ?? []) : []).map((i) => ({
      title: i.headline.slice(0, 160),
      hint: i.severity,
      run: () => go({ to: '/incidents/$uid', params: { uid: i.uid } }),
    })),
  ];
  if (text.trim()) {
    const word = text.trim();
    choices.push({
      title: `Everything that mentions ${word}`,
      hint: 'pivot',
      run: () => go({ to: '/pivot', search: { value: word } }),
    });
    choices.push({
      title: `Alerts with ${word}`,
      hint: 'alerts',
      run: () => go({ to: '/alerts', search: { q: word } }),
    });
  }
  function pressed(e: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (step) setAt((at + step + choices.length) % Math.max(1, choices.length));
    else if (e.key === 'Enter') choose(choices[at]);
    else return;
    e.preventDefault();
  }
  function choose(c?: Choice) {
    if (!c) return;
    close();
    c.run();
  }
  return (
    <>
      <TextInput
        ref={field}
        data-autofocus
        aria-label="Go to, or search for"
        placeholder="A page, an incident, an address, a name…"
        size="md"
        variant="unstyled"
        className="palette-text"
        value={text}
        onChange={(e) => {
          setText(e.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={pressed}
        role="combobox"
        aria-expanded
        aria-controls="choices"
        aria-activedescendant={choices[at] ? `choice-${at}` : undefined}
      />
      <div id="choices" role="listbox" aria-label="Choices" className="choices">
        {choices.map((c, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
          <div
            key={`${c.hint} ${c.title}`}
            id={`choice-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === at}
            onClick={() => choose(c)}
          >
            <span>{visible(c.title)}</span> <small>{c.hint}</small>
          </div>
        ))}
      </div>
    </>
  );
}
