import { CopyButton } from './copy-button.tsx';

/** Where something plays, to be copied into another player, or handed on where the device can. */
export function PlaylistAddress({ url, title }: { url: string; title: string }) {
  const share = () => void navigator.share({ title, url }).catch(() => {});
  return (
    <div class="address">
      <span class="address-label">Playlist</span>
      <code>{url}</code>
      <span class="address-buttons">
        {'share' in navigator && (
          <button type="button" class="copy" onClick={share} aria-label="Share the playlist's address">
            Share
          </button>
        )}
        <CopyButton text={url} what="the playlist's address" />
      </span>
    </div>
  );
}
