import { basename } from 'node:path';
import { Command } from 'commander';
import { edgeSettings } from '../edge/settings.ts';
import type { ConfigFile } from '../runtime/config-file.ts';
import { SettingsError } from '../runtime/settings.ts';
import { readConfigSources, SOURCES_KEY } from './config-sources.ts';
import { openConfig, readWith, withSettings } from './read-settings.ts';
import { runUntilSignal } from './run-node.ts';
import type { surroundings } from './surroundings.ts';

type Flags = Record<string, string | undefined>;
type Log = ReturnType<typeof surroundings>['log'];

/** `livemix edge`. With a config file, SIGHUP reads its sources again. */
export function edgeCommand(exitWith: (code: number) => void): Command {
  const command = new Command('edge')
    .description('Runs an edge beside the cameras: it takes in HLS, and dials out to control.')
    .action(async ({ config, ...flags }: Flags) => {
      const file = config === undefined ? undefined : await openConfig(config);
      const settings = readWith(edgeSettings, flags, file, [SOURCES_KEY]);
      const sources = file && readConfigSources(file, basename(config!));
      const { startEdge } = await import('../edge/edge-node.ts');
      const start = async (given: ReturnType<typeof surroundings>) => {
        const edge = await startEdge(settings, { ...given, ...(sources !== undefined && { sources }) });
        return {
          close: () => edge.close(),
          ...(file !== undefined && {
            reload: async () => {
              const again = await readAgain(config!, flags, file, given.log);
              if (again !== undefined) await edge.configure(again);
            },
          }),
        };
      };
      exitWith(await runUntilSignal('edge', settings.logLevel, start, { reloads: file !== undefined }));
    });
  return withSettings(command, edgeSettings, SOURCES_HELP);
}

/** The sources of the file as it is now; undefined where it cannot be taken: all goes on as it was. */
async function readAgain(path: string, flags: Flags, before: ConfigFile, log: Log) {
  try {
    const file = await openConfig(path);
    const sources = readConfigSources(file, basename(path));
    readWith(edgeSettings, flags, file, [SOURCES_KEY]);
    const later = changedKeys(before, file);
    if (later.length > 0) log.warn({ keys: later.join() }, 'these settings count from the next start on');
    return sources;
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    log.error({ detail: error.message }, 'the config file cannot be taken: all goes on as it was');
    return undefined;
  }
}

const changedKeys = ({ values: before }: ConfigFile, { values: after }: ConfigFile): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => key !== SOURCES_KEY && JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );

const SOURCES_HELP = [
  '',
  `Sources that the edge brings in by itself stand in the file, below \`${SOURCES_KEY}:\`. SIGHUP reads them again.`,
  '',
  '  sources:',
  '    gate: https://cam.example/live/index.m3u8',
  '    yard:',
  '      input: rtsp://10.0.0.7/stream1     # http(s)://….m3u8, rtsp, rtmp, srt, udp, /dev/video0',
  '      pull: on-demand                    # always (the default) or on-demand',
  '    bench:',
  '      ffmpeg: ["-f", "lavfi", "-i", "testsrc2"]',
  '      output: ["-c:v", "libx264"]        # by default -c copy',
];
