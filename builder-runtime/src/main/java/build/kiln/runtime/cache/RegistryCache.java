package build.kiln.runtime.cache;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.JsonForm;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.BlobSource;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * A cache in a repository of a registry. A key is a tag {@code k-KEY}; a registry has no
 * compare-and-swap, so that builders that write at once never write the same tag with something
 * that would be wrong for the other. What the last build of one name and platform used is listed
 * under the tag {@code list-HASH}: a build that changes nothing asks for that alone. Thread-safe;
 * for one build.
 */
public final class RegistryCache {
  /** A list that says the same is written again after this time, to be seen as in use. */
  private static final Duration FRESH = Duration.ofHours(24);

  private static final String INPUTS = "application/vnd.kiln.cache.inputs.v1.json+gzip";
  private static final int LARGEST_INPUTS = 8 << 20;
  private static final int LARGEST_UNPACKED = 128 << 20;

  private final RegistryClient client;
  private static final JsonForm<List<StepInputs>> ALL_INPUTS = JsonForm.list(StepInputs.JSON);

  private final CacheDocuments documents;
  private final Reference repository;
  private final String name;
  private final Platform platform;
  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Set<String> absent = ConcurrentHashMap.newKeySet();
  private Consumer<String> warnings = text -> {};
  private volatile boolean off;
  private @Nullable Listed listed;

  /** What the list says; all empty if there is none. */
  private record Listed(
      @Nullable CacheList list, Map<String, CacheEntry> byKey, @Nullable Descriptor inputs) {
    static final Listed NOTHING = new Listed(null, Map.of(), null);
  }

  private @Nullable List<StepInputs> inputs;

  /**
   * @param repository its tag does not matter
   * @param name of what is built; builds of one name find each other's entries in one request
   */
  public RegistryCache(
      RegistryClient client, Reference repository, String name, Platform platform, Clock clock) {
    this.client = client;
    this.documents = new CacheDocuments(client);
    this.repository = new Reference(repository.registry(), repository.repository(), null, null);
    this.name = name;
    this.platform = platform;
    this.clock = clock;
  }

  /** The repository, which has the layers too. */
  public Reference repository() {
    return repository;
  }

  void onWarning(Consumer<String> listener) {
    warnings = listener;
  }

  /** Asks it for nothing more. */
  void turnOff() {
    off = true;
  }

  /** The entry of a key in the list. */
  Optional<CacheEntry> inList(String key) {
    return Optional.ofNullable(list().byKey.get(key));
  }

  /** The entry of a key under its own tag. */
  Optional<CacheEntry> byTag(String key) {
    if (off || absent.contains(key)) {
      return Optional.empty();
    }
    try {
      var found = documents.get(tag(key), CacheDocuments.ENTRY, CacheEntry.JSON);
      CacheEntry entry = found.content().bare();
      boolean right =
          entry.keys().contains(key)
              && found.layers().stream().anyMatch(l -> l.digest().equals(entry.layer().digest()));
      if (right) {
        return Optional.of(entry);
      }
      warnings.accept("the entry %s of the cache is not of its key".formatted(tag(key)));
    } catch (OciException e) {
      warnings.accept("an entry of the cache is broken: " + e.getMessage());
    } catch (IOException e) {
      failed(e);
      if (off) {
        return Optional.empty();
      }
    }
    absent.add(key);
    return Optional.empty();
  }

  /** What the steps of the listed build depended on; empty if that is not known. */
  List<StepInputs> known() {
    Descriptor blob = list().inputs;
    if (blob == null) {
      return List.of();
    }
    lock.lock();
    try {
      if (inputs == null) {
        inputs = off ? List.of() : readInputs(blob);
      }
      return inputs;
    } finally {
      lock.unlock();
    }
  }

  private List<StepInputs> readInputs(Descriptor blob) {
    try (InputStream in =
        new GZIPInputStream(new ByteArrayInputStream(documents.blob(repository, blob)))) {
      byte[] json = in.readNBytes(LARGEST_UNPACKED);
      return Json.read(json, ALL_INPUTS, "the inputs of " + repository);
    } catch (IOException | OciException e) {
      // They only serve to say why; the misses themselves are right without.
      warnings.accept("cannot say what changed since the last build: %s".formatted(e.getMessage()));
      return List.of();
    }
  }

  private Listed list() {
    lock.lock();
    try {
      if (listed == null) {
        listed = off ? Listed.NOTHING : readList();
      }
      return listed;
    } finally {
      lock.unlock();
    }
  }

  private Listed readList() {
    try {
      var document = documents.get(listTag(), CacheDocuments.LIST, CacheList.JSON);
      CacheList list = document.content();
      if (!list.name().equals(name) || !list.platform().equals(platform.toString())) {
        return Listed.NOTHING;
      }
      Map<String, CacheEntry> byKey = new HashMap<>();
      for (CacheEntry entry : list.entries()) {
        entry.keys().forEach(key -> byKey.put(key, entry.bare()));
      }
      return new Listed(
          list,
          byKey,
          document.layers().stream()
              .filter(l -> INPUTS.equals(l.mediaType()))
              .findFirst()
              .orElse(null));
    } catch (OciException e) {
      warnings.accept("the list of the cache is broken: " + e.getMessage());
    } catch (IOException e) {
      failed(e);
    }
    return Listed.NOTHING;
  }

  /** What is not there is no failure; all else turns the cache off, so that it is told once. */
  private void failed(IOException e) {
    if (e instanceof RegistryException r && r.code() == RegistryException.Code.NOT_FOUND) {
      return;
    }
    if (e instanceof RegistryException r && r.code() == RegistryException.Code.INVALID) {
      warnings.accept("an entry of the cache is broken: " + e.getMessage());
      return;
    }
    off = true;
    if (!Thread.currentThread().isInterrupted()) {
      warnings.accept(
          "the cache in %s cannot be read, building without it: %s"
              .formatted(repository, e.getMessage()));
    }
  }

  /**
   * Whether the list has an entry already, so that nothing of it must be written.
   *
   * @param entry whose layer the list's one must be
   */
  public boolean lists(CacheEntry entry) {
    return !off
        && entry.keys().stream()
            .allMatch(
                key -> inList(key).filter(e -> e.asLayer().equals(entry.asLayer())).isPresent());
  }

  /**
   * Writes an entry under its keys' tags. Its layer must be in the repository.
   *
   * @param overwrite whether also what is there, which may be broken; else it stays
   */
  public void write(CacheEntry entry, boolean overwrite) throws IOException {
    List<Reference> tags = new ArrayList<>();
    for (String key : entry.keys()) {
      if (overwrite || absent.contains(key) || client.head(tag(key)).isEmpty()) {
        tags.add(tag(key));
      }
    }
    if (!tags.isEmpty()) {
      documents.put(
          tags, CacheDocuments.ENTRY, Json.write(entry, CacheEntry.JSON), List.of(entry.layer()));
    }
  }

  /**
   * Writes the list, unless the one that is there says the same and is fresh.
   *
   * @param used all that was written and is to be found with one request; their layers must be in
   *     the repository
   * @param madeOf what their keys were made of; asked only if it is written
   */
  public void writeList(List<CacheEntry> used, Supplier<? extends Collection<StepInputs>> madeOf)
      throws IOException {
    var list = new CacheList(name, platform.toString(), clock.instant().toString(), used);
    CacheList present = off ? null : list().list;
    if (present != null && present.sameAs(list) && isFresh(present)) {
      return;
    }
    Set<Descriptor> layers = new LinkedHashSet<>();
    byte[] packed = pack(madeOf.get());
    if (packed.length <= LARGEST_INPUTS) {
      Descriptor blob = Descriptor.ofBytes(INPUTS, packed);
      client.pushBlob(repository, blob, BlobSource.of(packed), List.of());
      layers.add(blob);
    }
    used.forEach(entry -> layers.add(entry.layer()));
    documents.put(
        List.of(listTag()),
        CacheDocuments.LIST,
        Json.write(list, CacheList.JSON),
        List.copyOf(layers));
  }

  private boolean isFresh(CacheList list) {
    try {
      return Instant.parse(list.updated()).plus(FRESH).isAfter(clock.instant());
    } catch (DateTimeException notATime) {
      return false;
    }
  }

  private static byte[] pack(Collection<StepInputs> inputs) throws IOException {
    var packed = new ByteArrayOutputStream();
    try (var out = new GZIPOutputStream(packed)) {
      out.write(Json.write(List.copyOf(inputs), ALL_INPUTS));
    }
    return packed.toByteArray();
  }

  private Reference tag(String key) {
    return repository.withTag("k-" + key);
  }

  private Reference listTag() {
    String hashed = name + "\0" + platform;
    return repository.withTag(
        "list-" + Digest.ofBytes(hashed.getBytes(StandardCharsets.UTF_8)).hex());
  }
}
