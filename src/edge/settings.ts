import * as types from '../runtime/setting-types.ts';
import { defineSettings, setting, type ValuesOf } from '../runtime/settings.ts';

/** The settings of `livemix edge`. */
export const edgeSettings = defineSettings({
  listen: setting({
    env: 'LIVEMIX_LISTEN',
    parse: types.hostPort,
    default: '127.0.0.1:9080',
    help: 'Where encoders push to and viewers on the LAN read from. Beyond loopback LIVEMIX_INGEST_TOKEN must be set.',
  }),
  dataDir: setting({
    env: 'LIVEMIX_DATA_DIR',
    parse: types.text('DIR'),
    default: './livemix-data/edge',
    help: 'Where the edge keeps its spool. One process at a time.',
  }),
  controlUrl: setting({
    env: 'LIVEMIX_CONTROL_URL',
    parse: types.urlList,
    help: 'The control node to dial; several with , between: any replica. Without it the edge serves its LAN alone.',
    example: 'https://live.example.org',
  }),
  edgeName: setting({
    env: 'LIVEMIX_EDGE_NAME',
    parse: types.text('NAME'),
    help: 'What control calls this edge. By default the host name.',
    example: 'harbour-1',
  }),
  edgeToken: setting({
    env: 'LIVEMIX_EDGE_TOKEN',
    parse: types.token,
    secret: true,
    help: 'The secret that this edge shows control; the same as there.',
  }),
  ingestToken: setting({
    env: 'LIVEMIX_INGEST_TOKEN',
    parse: types.token,
    secret: true,
    help: 'What encoders must show (Authorization: Bearer, or Basic with it as password).',
  }),
  mediaRoots: setting({
    env: 'LIVEMIX_MEDIA_ROOTS',
    parse: types.folderList,
    default: '',
    help: 'Folders below which file:// segments may be read.',
    example: '/tmp/hls:/srv/cameras',
  }),
  mediaOrigins: setting({
    env: 'LIVEMIX_MEDIA_ORIGINS',
    parse: types.originList,
    default: '',
    help: 'Origins from which http(s):// segments may be fetched.',
    example: 'http://10.0.0.5:8000',
  }),
  spoolSeconds: setting({
    env: 'LIVEMIX_SPOOL_SECONDS',
    parse: types.secondsValue,
    default: '600',
    help: 'How much of each rendition the edge keeps.',
  }),
  spoolBytes: setting({
    env: 'LIVEMIX_SPOOL_BYTES',
    parse: types.bytesValue,
    default: '2GiB',
    help: 'How much of all renditions together the edge keeps; the oldest goes first.',
  }),
  uplinkRate: setting({
    env: 'LIVEMIX_UPLINK_RATE',
    parse: types.bytesValue,
    help: 'How many bytes a second recordings may take of the line to control. Live does not wait, but counts. By default all of it.',
    example: '500KiB',
  }),
  ffmpeg: setting({
    env: 'LIVEMIX_FFMPEG',
    parse: types.text('PROGRAM'),
    default: 'ffmpeg',
    help: 'The ffmpeg that brings in sources of the config file that are no HLS: its name or its path.',
  }),
  logLevel: setting({
    env: 'LIVEMIX_LOG_LEVEL',
    parse: types.choice(['debug', 'info', 'warn', 'error']),
    default: 'info',
    help: 'How much is logged on stderr.',
  }),
});

export type EdgeSettings = ValuesOf<typeof edgeSettings>;
