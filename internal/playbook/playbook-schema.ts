import { z } from 'zod';
import { maxSteps } from './playbook.ts';
import { includeShape, playbookShape, stepShape } from './playbook-shape.ts';

/** The JSON Schema of playbooks: for editors, from the shapes by which files are read. */
export function playbookJsonSchema(): object {
  const options = { io: 'input', unrepresentable: 'any' } as const;
  const { properties = {}, ...whole } = z.toJSONSchema(playbookShape, options);
  const part = ({ $schema: _, ...schema }: z.core.JSONSchema.BaseSchema) => schema;
  const items = {
    oneOf: [part(z.toJSONSchema(stepShape, options)), part(z.toJSONSchema(includeShape, options))],
  };
  return {
    ...whole,
    title: 'keruta playbook',
    properties: { ...properties, steps: { type: 'array', minItems: 1, maxItems: maxSteps, items } },
  };
}
