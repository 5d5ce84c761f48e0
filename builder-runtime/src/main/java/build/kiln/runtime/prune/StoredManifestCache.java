package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.prune.ShardStore.Stored;
import com.fasterxml.jackson.databind.MappingIterator;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.SequenceInputStream;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * In a store, for runs of which each is in a new pod: read once, and written once when the run has
 * scanned. A document a repository, each compressed by itself, one after the other. Of more than
 * fits, the repositories that come last by name are left out, and read again by each run. What is
 * damaged, or cannot be read, counts as none.
 */
public final class StoredManifestCache implements ManifestCache {
  /** Some 210 bytes a manifest: those of 80,000. */
  private static final int MOST = 16 << 20;

  /** A repository's manifests. */
  private record Document(String repository, List<ManifestFacts> manifests) {}

  private final ShardStore store;
  private final int most;
  private final Set<String> wanted = new HashSet<>();
  private @Nullable Map<String, Map<Digest, ManifestFacts>> known;
  private boolean changed;

  public StoredManifestCache(ShardStore store) {
    this(store, MOST);
  }

  /**
   * @param most bytes, compressed
   */
  StoredManifestCache(ShardStore store, int most) {
    this.store = store;
    this.most = most;
  }

  @Override
  public Map<Digest, ManifestFacts> load(String repository) throws InterruptedIOException {
    wanted.add(repository);
    return known().getOrDefault(repository, Map.of());
  }

  @Override
  public void save(String repository, Map<Digest, ManifestFacts> manifests)
      throws InterruptedIOException {
    wanted.add(repository);
    known().put(repository, Map.copyOf(manifests));
    changed = true;
  }

  private Map<String, Map<Digest, ManifestFacts>> known() throws InterruptedIOException {
    Map<String, Map<Digest, ManifestFacts>> all = known;
    if (all == null) {
      all = read();
      known = all;
    }
    return all;
  }

  private Map<String, Map<Digest, ManifestFacts>> read() throws InterruptedIOException {
    Map<String, Map<Digest, ManifestFacts>> all = new HashMap<>();
    try (InputStream in = new GZIPInputStream(packed());
        MappingIterator<Document> documents =
            Json.mapper().readerFor(Document.class).readValues(in)) {
      while (documents.hasNextValue()) {
        Document next = documents.nextValue();
        Map<Digest, ManifestFacts> its = new HashMap<>();
        next.manifests.forEach(facts -> its.put(facts.digest(), facts));
        all.put(next.repository, its);
      }
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException | OciException e) {
      all.clear();
    }
    return all;
  }

  private InputStream packed() throws IOException {
    List<InputStream> chunks =
        new TreeMap<>(store.load())
            .values().stream()
                .map(Stored::bytes)
                .<InputStream>map(ByteArrayInputStream::new)
                .toList();
    return new SequenceInputStream(Collections.enumeration(chunks));
  }

  /** Of the repositories that were asked for. */
  @Override
  public void keep() throws IOException {
    Map<String, Map<Digest, ManifestFacts>> all = known();
    if (!changed && wanted.containsAll(all.keySet())) {
      return;
    }
    var packed = new ByteArrayOutputStream();
    for (String repository : new TreeSet<>(wanted)) {
      Map<Digest, ManifestFacts> its = all.getOrDefault(repository, Map.of());
      byte[] document =
          Chunks.pack(
              Json.write(new Document(repository, List.copyOf(new TreeMap<>(its).values()))));
      if (!its.isEmpty() && packed.size() + document.length <= most) {
        packed.write(document);
      }
    }
    Chunks.write(store, packed.toByteArray());
    changed = false;
  }
}
