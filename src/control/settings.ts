import * as types from '../runtime/setting-types.ts';
import { defineSettings, setting, type ValuesOf } from '../runtime/settings.ts';

/** The settings of `livemix control`. */
export const controlSettings = defineSettings({
  listen: setting({
    env: 'LIVEMIX_LISTEN',
    parse: types.hostPort,
    default: '127.0.0.1:8080',
    help: 'Where edges, viewers and operators reach this node. Beyond loopback both tokens and LIVEMIX_VIEWERS=public must be set.',
  }),
  dataDir: setting({
    env: 'LIVEMIX_DATA_DIR',
    parse: types.text('DIR'),
    default: './livemix-data/control',
    help: 'Where control keeps its catalog. One process at a time.',
  }),
  edgeToken: setting({
    env: 'LIVEMIX_EDGE_TOKEN',
    parse: types.token,
    secret: true,
    help: 'The secret that edges must show.',
  }),
  adminToken: setting({
    env: 'LIVEMIX_ADMIN_TOKEN',
    parse: types.token,
    secret: true,
    help: 'Where it is set, every request that changes something must show it (Authorization: Bearer).',
  }),
  viewers: setting({
    env: 'LIVEMIX_VIEWERS',
    parse: types.choice(['public']),
    help: 'Who may watch. There is no access model yet: beyond loopback `public` must be said outright.',
  }),
  databaseUrl: setting({
    env: 'LIVEMIX_DATABASE_URL',
    parse: types.text('URL'),
    help: 'The catalog: sqlite:/absolute/file.db. By default a file in the data dir.',
  }),
  cacheUrl: setting({
    env: 'LIVEMIX_CACHE_URL',
    parse: types.text('URL'),
    default: 'memory:?max=256MiB',
    help: 'The segment cache: memory:?max=256MiB, or memcached://host:port,host:port (start memcached with -I 32m).',
    example: 'memcached://127.0.0.1:11211',
  }),
  storeUrl: setting({
    env: 'LIVEMIX_STORE_URL',
    parse: types.text('URL'),
    help: 'Where recordings are stored: file:///absolute/folder, or s3://bucket/prefix?endpoint=…&region=… with keys from the usual AWS variables; &edges=direct where edges reach it themselves. By default a folder in the data dir.',
    example: 's3://recordings/live?endpoint=https://s3.example.org&region=eu-1',
  }),
  storeBytes: setting({
    env: 'LIVEMIX_STORE_BYTES',
    parse: types.bytesValue,
    help: 'What all recordings together may take: beyond it the oldest go that are not kept for ever. By default there is no bound.',
    example: '500GiB',
  }),
  retentionDays: setting({
    env: 'LIVEMIX_RETENTION_DAYS',
    parse: types.integer(1, 36_500),
    help: 'How old a recording gets that is not kept for ever. By default as old as it likes.',
    example: '30',
  }),
  drainDays: setting({
    env: 'LIVEMIX_DRAIN_DAYS',
    parse: types.integer(1, 365),
    default: '7',
    help: 'How many days an ended recording waits for an edge that delivers nothing of it.',
  }),
  liveSegments: setting({
    env: 'LIVEMIX_LIVE_SEGMENTS',
    parse: types.integer(3, 100),
    default: '6',
    help: 'A live list holds at least this many segments, and at least three target durations.',
  }),
  logLevel: setting({
    env: 'LIVEMIX_LOG_LEVEL',
    parse: types.choice(['debug', 'info', 'warn', 'error']),
    default: 'info',
    help: 'How much is logged on stderr.',
  }),
});

export type ControlSettings = ValuesOf<typeof controlSettings>;
