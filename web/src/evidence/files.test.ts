import { expect, test } from 'vitest';
import { largest, refused, staged } from './files';

const now = new Date('2026-03-07T14:42:01.5Z');
const file = (name: string, type: string, size = 1) =>
  Object.defineProperty(new File(['x'], name, { type }), 'size', { value: size });

test('a pasted picture gets a name, and every picture is a screenshot', () => {
  expect(staged([file('image.png', 'image/png')], true, now)).toMatchObject([
    { kind: 'screenshot', name: 'screenshot 2026-03-07T14.42.01Z.png' },
  ]);
  expect(
    staged([file('image.png', 'image/png'), file('a.svg', 'image/svg+xml'), file('', '')], false, now),
  ).toMatchObject([
    { kind: 'screenshot', name: 'image.png' },
    { kind: 'file', name: 'a.svg' },
    { kind: 'file', name: 'nameless' },
  ]);
});

test('what is too large or empty is said before it is sent', () => {
  const [fits, large, empty] = staged(
    [file('a', '', largest), file('b', '', largest + 1), file('c', '', 0)],
    false,
    now,
  );
  expect(fits && refused(fits)).toBeUndefined();
  expect(large && refused(large)).toContain('at most 64.0 MiB');
  expect(empty && refused(empty)).toContain('empty');
});
