import { z } from 'zod';
import { triggerTypes } from './types.ts';
import { triggerFields, workflowShape } from './workflow-shape.ts';

/** The JSON Schema of workflow files: for editors, from the shapes by which files are read. */
export function workflowJsonSchema(): object {
  const options = { io: 'input', unrepresentable: 'any' } as const;
  const triggers = [...triggerTypes.values()].map((type) => {
    const { properties = {}, required = [] } = z.toJSONSchema(type.spec, options);
    const common = z.toJSONSchema(z.strictObject(triggerFields), options);
    return {
      type: 'object',
      description: type.doc,
      properties: { type: { const: type.name }, ...common.properties, ...properties },
      required: ['type', ...required],
      additionalProperties: false,
    };
  });
  const { properties = {}, ...whole } = z.toJSONSchema(workflowShape, options);
  const list = { type: 'array', maxItems: 100, items: { oneOf: triggers } };
  return { ...whole, title: 'keruta workflow', properties: { ...properties, triggers: list } };
}
