import { Button, Select, Textarea, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { api, got } from '../api/client';
import { Panel, Trouble } from '../ui/parts';
import { nameOf } from './hunt';

/** Keep is the form that keeps a question as a hunt, begun with what a search asked. */
export function Keep() {
  const go = useNavigate();
  const client = useQueryClient();
  const search = useSearch({ strict: false });
  const [title, setTitle] = useState('');
  const [language, setLanguage] = useState(search.sigma ? 'sigma' : search.sql ? 'sql' : 'filter');
  const [fault, setFault] = useState<Error>();
  const name = nameOf(title);
  async function keep(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const text = (n: string) => String(form.get(n) ?? '').trim();
    setFault(undefined);
    try {
      if (!name) throw new Error('Give it a title with a letter or a digit: its file is named by it.');
      const known = await client.fetchQuery({ queryKey: ['hunts'], queryFn: () => got(api.GET('/api/v1/hunts')) });
      if (known?.some((h) => h.name === name))
        throw new Error('A hunt of this name is kept already: give another title.');
      await got(
        api.PUT('/api/v1/hunts/{uid}', {
          params: { path: { uid: name } },
          body: {
            name,
            title: title.trim(),
            question: text('question'),
            query: { [language]: text('query') },
            ...(text('span') && { span: text('span') }),
            ...(text('every') && { every: text('every') }),
            ...(text('every') && form.get('notify') && { notify: 'alert' }),
          },
        }),
      );
      await client.invalidateQueries({ queryKey: ['hunts'] });
      go({ to: '/hunts', search: { hunt: name, draft: search.draft } });
    } catch (x) {
      setFault(x as Error);
    }
  }
  return (
    <Panel
      title={search.draft ? 'Make a rule: first a hunt' : 'Keep a hunt'}
      aside={name && <span className="mono dim">{name}</span>}
    >
      {search.draft && (
        <p className="dim">
          {search.sql
            ? 'A rule judges single records, and SQL says more than that: put the question as a filter or a Sigma rule.'
            : 'The question is kept as a hunt, and the rule is drafted of it, with tests out of its hits.'}
        </p>
      )}
      <form onSubmit={keep} className="keep">
        <TextInput
          size="xs"
          label="Title"
          required
          maxLength={200}
          autoFocus
          value={title}
          onChange={(e) => setTitle(e.currentTarget.value)}
        />
        <TextInput size="xs" name="question" label="The question, in words" required maxLength={1000} />
        <Select
          size="xs"
          label="Asked in"
          value={language}
          allowDeselect={false}
          onChange={(v) => setLanguage(v ?? 'filter')}
          data={[
            { value: 'filter', label: 'A filter' },
            { value: 'sql', label: 'SQL' },
            { value: 'sigma', label: 'A Sigma rule' },
          ]}
        />
        <Textarea
          size="xs"
          name="query"
          label="Query"
          required
          autosize
          minRows={2}
          maxRows={16}
          defaultValue={search.sigma ?? search.sql ?? search.filter ?? ''}
          classNames={{ input: 'mono' }}
          spellCheck={false}
        />
        <div className="line">
          <TextInput
            size="xs"
            name="span"
            label="Looks back"
            placeholder="7d; empty: all"
            defaultValue={search.span ?? ''}
          />
          <TextInput size="xs" name="every" label="Runs by itself every" placeholder="1h; empty: never" />
          <label className="dim">
            <input type="checkbox" name="notify" /> more hits than before make an alert
          </label>
          <Button size="xs" type="submit">
            {search.draft ? 'Keep, and draft the rule' : 'Keep'}
          </Button>
          <Button size="xs" variant="default" onClick={() => go({ to: '/hunts' })}>
            Cancel
          </Button>
        </div>
        {fault && <Trouble error={fault} />}
      </form>
    </Panel>
  );
}
