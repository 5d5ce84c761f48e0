package build.kiln.runtime.layer;

import java.io.IOException;
import java.io.InputStream;

/**
 * Another source with its entries dated no later than a moment: those that are later have that one.
 *
 * @param seconds since the epoch
 */
public record NotLater(LayerSource source, long seconds) implements LayerSource {
  @Override
  public void writeTo(Sink sink) throws IOException {
    source.writeTo(new Dating(sink));
  }

  private EntryMeta dated(EntryMeta entry) {
    boolean later =
        entry.mtimeSeconds() > seconds || entry.mtimeSeconds() == seconds && entry.mtimeNanos() > 0;
    return later ? entry.withMtime(seconds, 0) : entry;
  }

  private final class Dating implements Sink {
    private final Sink sink;

    Dating(Sink sink) {
      this.sink = sink;
    }

    @Override
    public void add(EntryMeta entry) throws IOException {
      sink.add(dated(entry));
    }

    @Override
    public void add(EntryMeta entry, InputStream content) throws IOException {
      sink.add(dated(entry), content);
    }

    @Override
    public void whiteout(String path) throws IOException {
      sink.whiteout(path);
    }

    @Override
    public void opaque(String directory) throws IOException {
      sink.opaque(directory);
    }
  }
}
