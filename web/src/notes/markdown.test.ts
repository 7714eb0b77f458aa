import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, test } from 'vitest';
import { drafts } from './draft';
import { address, blocks, inline } from './markdown';
import { Note } from './note';

const shown = (text: string) => renderToStaticMarkup(createElement(Note, { text }));
const inside = (text: string) => shown(text).replace(/^<div class="note">|<\/div>$/g, '');

describe('what a note can say', () => {
  test.each([
    ['two lines\nof one paragraph\n\nand another', '<p>two lines<br/>of one paragraph</p><p>and another</p>'],
    [
      '**bold**, *italic*, __bold__, _italic_, `code`',
      '<p><strong>bold</strong>, <em>italic</em>, <strong>bold</strong>, <em>italic</em>, <code>code</code></p>',
    ],
    ['**bold *and italic***', '<p><strong>bold *and italic</strong>*</p>'],
    [
      '- one\n- two\n\n1. first\n2) second',
      '<ul><li>one</li><li>two</li></ul><ol start="1"><li>first</li><li>second</li></ol>',
    ],
    ['4. fourth', '<ol start="4"><li>fourth</li></ol>'],
    [
      '> said\n> twice\n> > deeper',
      '<blockquote><p>said<br/>twice</p><blockquote><p>deeper</p></blockquote></blockquote>',
    ],
    ['```json\n{"a": 1}\n**no**\n```\nafter', '<pre tabindex="0">{&quot;a&quot;: 1}\n**no**</pre><p>after</p>'],
    ['```\nnever closed', '<pre tabindex="0">never closed</pre>'],
    ['text\n- a list at once', '<p>text</p><ul><li>a list at once</li></ul>'],
    ['2 * 3 * 4, snake_case_name, \\*no\\*', '<p>2 * 3 * 4, snake_case_name, *no*</p>'],
    [
      '# no heading, ![no](https://a.example/b.png) picture',
      '<p># no heading, !<a href="https://a.example/b.png" target="_blank" rel="noopener noreferrer nofollow">no</a><span class="dim"> (https://a.example/b.png)</span> picture</p>',
    ],
    ['', ''],
  ])('%s', (text, want) => expect(inside(text)).toBe(want));
});

describe('links lead to pages only, and say where', () => {
  test.each([
    ['[the ticket](https://tickets.example/7)', 'https://tickets.example/7'],
    ['see https://tickets.example/7.', 'https://tickets.example/7'],
    ['(http://a.example/x?y=1&z=2)', 'http://a.example/x?y=1&z=2'],
    ['[аpple.com](https://xn--pple-43d.com)', 'https://xn--pple-43d.com/'],
  ])('%s', (text, to) => {
    const html = shown(text);
    expect(html).toContain(`href="${to.replaceAll('&', '&amp;')}"`);
    expect(html).toContain('rel="noopener noreferrer nofollow"');
  });
  test('where it leads stands beside what it is called', () => {
    expect(shown('[https://bank.example](https://evil.example/)')).toContain('(https://evil.example/)');
  });
  test.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' javascript:alert(1)',
    'java\tscript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    '//evil.example',
    '/settings',
    'https://user:secret@evil.example/',
    'https://',
    'https:evil.example',
    `https://a.example/${'x'.repeat(3000)}`,
  ])('%s is none', (to) => {
    expect(address(to)).toBeUndefined();
    const html = shown(`[click](${to})`);
    expect(html).not.toMatch(/<a[^>]*href="(?!https?:\/\/[a-z])/i);
    if (!to.startsWith('https://')) expect(html).not.toContain('<a');
  });
});

describe('what is hostile is text', () => {
  const hostile = [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '**<svg/onload=alert(1)>**',
    '`</code><script>`',
    '> <iframe src=javascript:alert(1)>',
    '- <b onmouseover=alert(1)>x',
    '```\n</pre><script>alert(1)</script>\n```',
    '[<img src=x onerror=alert(1)>](https://a.example)',
    '[x](https://a.example/"onmouseover="alert(1))',
    '&lt;script&gt; &#60;script&#62;',
  ];
  test.each(hostile)('%s', (text) => {
    const html = shown(text);
    const tags = [...html.matchAll(/<\/?([a-z]+)/gi)].map((m) => m[1]);
    expect(
      tags.filter(
        (t) =>
          !['div', 'p', 'br', 'strong', 'em', 'code', 'pre', 'blockquote', 'ul', 'ol', 'li', 'a', 'span'].includes(
            t ?? '',
          ),
      ),
    ).toEqual([]);
    for (const tag of html.match(/<[a-z][^>]*>/gi) ?? []) expect(tag).not.toMatch(/\son\w+=/i);
  });
  test('hidden characters are shown, in text, code and the names of links', () => {
    const html = shown('a\u202Eb `c\u200Bd` [e\u2066f](https://a.example) **g\u0000h**\n```\ni\u200Ej\n```');
    for (const c of ['202e', '200b', '2066', '0', '200e']) expect(html).toContain(`\\u{${c}}`);
    for (const c of '\u202E\u200B\u2066\u0000\u200E') expect(html).not.toContain(c);
  });
  test('no note takes long, however its marks stand', () => {
    const from = performance.now();
    for (const mark of ['*', '_', '`', '[', '](', '> ', '**a', '[a](', '- ', 'h', 'https://', '\\', '```\n', '*a_'])
      blocks(mark.repeat(20_000 / mark.length));
    expect(performance.now() - from).toBeLessThan(6000);
  });
  test('quotes and marks nest so deep and no deeper', () => {
    expect(JSON.stringify(blocks(`${'>'.repeat(1000)} x`)).match(/"quote"/g)?.length).toBe(4);
    expect(inline('*a **b _c __d *e* __ _** *').length).toBeGreaterThan(0);
  });
});

test('a draft outlives its page, and one that is sent is gone', () => {
  const at = new Map<string, string>();
  const store = {
    getItem: (k: string) => at.get(k) ?? null,
    setItem: (k: string, v: string) => void at.set(k, v),
    removeItem: (k: string) => void at.delete(k),
  };
  const kept = drafts(() => store);
  kept.keep('a', 'half a sentence');
  expect(drafts(() => store).read('a')).toBe('half a sentence');
  expect(kept.read('b')).toBe('');
  kept.keep('a', '');
  expect(at.size).toBe(0);
  const none = drafts(() => {
    throw new Error('this browser keeps nothing');
  });
  none.keep('a', 'x');
  expect(none.read('a')).toBe('');
});
