import { render } from 'preact';
import { App } from './app.tsx';
import { hashRoute } from './route.ts';
import { SourcesFeed } from './sources-feed.ts';

const feed = new SourcesFeed();
feed.start();
render(<App feed={feed} route={hashRoute()} />, document.getElementById('app')!);
