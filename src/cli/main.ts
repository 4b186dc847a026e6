import { runLiveMix } from './livemix.ts';

runLiveMix(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exit(70);
  },
);
