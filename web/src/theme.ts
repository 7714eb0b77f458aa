import { createTheme, type MantineColorsTuple } from '@mantine/core';

const sea: MantineColorsTuple = [
  '#e3f6f8',
  '#c7e9ee',
  '#9fd7df',
  '#70c2cd',
  '#45acba',
  '#2596a6',
  '#137f8f',
  '#0b6a79',
  '#095663',
  '#07434e',
];
const dark: MantineColorsTuple = [
  '#d5dbe1',
  '#b4bec8',
  '#97a3af',
  '#6b7785',
  '#3a4450',
  '#29323c',
  '#1d252d',
  '#151b22',
  '#10151b',
  '#0b0f14',
];

export const theme = createTheme({
  primaryColor: 'sea',
  primaryShade: { light: 7, dark: 7 },
  colors: { sea, dark },
  defaultRadius: 'sm',
  fontFamily: 'Inter, ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  components: {
    // A dialog takes the keys of the page while it fades; what one presses next must not be lost.
    Modal: { defaultProps: { transitionProps: { duration: 0 }, closeButtonProps: { 'aria-label': 'Close' } } },
    Tooltip: { defaultProps: { openDelay: 250, withArrow: true, events: { hover: true, focus: true, touch: true } } },
  },
});
