import { render } from 'preact';
import { App } from './app.tsx';
import { RecordingsFeed } from './recording/recordings-feed.ts';
import { hashRoute } from './route.ts';
import { SourcesFeed } from './sources-feed.ts';

const feed = new SourcesFeed();
const recordings = new RecordingsFeed();
const route = hashRoute();
feed.start();
recordings.start(feed, route);
render(<App feed={feed} recordings={recordings} route={route} />, document.getElementById('app')!);
