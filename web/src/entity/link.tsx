import { Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { visible } from '../ui/visible';
import type { Entity } from './kinds';

const most = 160; // characters of a name; the page has the whole value

interface EntityLinkProps {
  entity: Entity;
  name?: string;
  className?: string;
}

/** EntityLink leads to an entity's page. */
export function EntityLink({ entity: { kind, value }, name, className = 'value' }: EntityLinkProps) {
  return (
    <Tooltip label={`${kind} ${visible(value.slice(0, 200))}: who, and is it usual`} multiline maw={420}>
      <Link
        to="/entity"
        search={{ kind, value }}
        className={className}
        onClick={(e) => e.stopPropagation()}
        preload={false}
      >
        {visible((name || value).slice(0, most))}
      </Link>
    </Tooltip>
  );
}
