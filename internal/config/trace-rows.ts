import type { SettingRow } from './row.ts';

const both = ['agent', 'server'] as const;

/** Settings of traces: the variables that every OpenTelemetry program reads. */
export const traceRows = {
  otlpEndpoint: {
    kind: 'string',
    flag: null,
    variables: ['OTEL_EXPORTER_OTLP_ENDPOINT'],
    fileKeys: ['traces.endpoint'],
    default: null,
    defaultDoc: 'none: no traces are made',
    doc: 'receiver of traces by OTLP over HTTP in JSON: https://collector:4318, to which /v1/traces is added',
    roles: both,
  },
  otlpTracesEndpoint: {
    kind: 'string',
    flag: null,
    variables: ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
    fileKeys: ['traces.url'],
    default: null,
    defaultDoc: 'made of the endpoint',
    doc: 'the same as a whole address, to which nothing is added',
    roles: both,
  },
  otlpHeaders: {
    kind: 'string',
    flag: null,
    variables: ['OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'OTEL_EXPORTER_OTLP_HEADERS'],
    fileKeys: ['traces.headers'],
    default: null,
    defaultDoc: 'none',
    doc: 'headers for the receiver of traces: name=value,name=value, values percent-encoded',
    secret: true,
    roles: both,
  },
  traceService: {
    kind: 'string',
    flag: null,
    variables: ['OTEL_SERVICE_NAME'],
    fileKeys: ['traces.service_name'],
    default: null,
    defaultDoc: '`keruta-server` or `keruta-agent`',
    doc: 'name of the service in traces',
    roles: both,
  },
  traceResource: {
    kind: 'string',
    flag: null,
    variables: ['OTEL_RESOURCE_ATTRIBUTES'],
    fileKeys: ['traces.resource_attributes'],
    default: null,
    defaultDoc: 'none',
    doc: 'what else traces tell of the program: name=value,name=value',
    roles: both,
  },
  tracesOff: {
    kind: 'bool',
    flag: null,
    variables: ['OTEL_SDK_DISABLED'],
    fileKeys: ['traces.disabled'],
    default: false,
    doc: 'make no traces, whatever else is set',
    roles: both,
  },
} as const satisfies Record<string, SettingRow>;
