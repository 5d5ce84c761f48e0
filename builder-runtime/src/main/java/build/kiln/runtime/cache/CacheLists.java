package build.kiln.runtime.cache;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Concurrently;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Which entries of a cache's repository are listed by builds, and since when they are not. */
public final class CacheLists {
  /** Tags of a cache; what else is in the repository is not of it. */
  public static final Pattern TAG = Pattern.compile("k-[0-9a-f]{64}|list-[0-9a-f]{64}");

  private static final Pattern LIST = Pattern.compile("list-[0-9a-f]{64}");

  private CacheLists() {}

  /**
   * A list of one name and platform.
   *
   * @param tag the list's own
   * @param name of what was built
   * @param updated when a build last wrote it
   * @param tags of its entries
   * @param layers of its entries, with their sizes
   */
  public record Found(
      String tag,
      String name,
      String platform,
      Instant updated,
      Set<String> tags,
      Map<Digest, Long> layers) {}

  /**
   * What is in a repository.
   *
   * @param lists those written last first
   * @param broken tags of lists that cannot be read
   */
  public record Read(List<Found> lists, List<String> broken) {}

  /**
   * Reads all lists of a repository; one that goes meanwhile is none.
   *
   * @throws IOException if the registry fails
   */
  public static Read read(RegistryClient client, Reference repository) throws IOException {
    List<String> tags = new ArrayList<>(client.listAllTags(repository));
    tags.removeIf(tag -> !LIST.matcher(tag).matches());
    List<Found> lists = Collections.synchronizedList(new ArrayList<>());
    List<String> broken = Collections.synchronizedList(new ArrayList<>());
    var documents = new CacheDocuments(client);
    Concurrently.all(
        tags,
        tag -> {
          try {
            Reference name = repository.withTag(tag);
            lists.add(
                found(tag, documents.get(name, CacheDocuments.LIST, CacheList.JSON).content()));
          } catch (OciException | DateTimeException e) {
            broken.add(tag);
          } catch (RegistryException e) {
            if (e.code() != RegistryException.Code.NOT_FOUND) {
              throw e;
            }
          }
        });
    return new Read(
        lists.stream()
            .sorted(Comparator.comparing(Found::updated).reversed().thenComparing(Found::tag))
            .toList(),
        broken.stream().sorted().toList());
  }

  private static Found found(String tag, CacheList list) {
    Set<String> tags = new LinkedHashSet<>();
    Map<Digest, Long> layers = new TreeMap<>();
    for (CacheEntry entry : list.entries()) {
      entry.keys().forEach(key -> tags.add("k-" + key));
      Descriptor layer = entry.layer();
      layers.put(layer.digest(), layer.size());
    }
    return new Found(
        tag, list.name(), list.platform(), Instant.parse(list.updated()), tags, layers);
  }
}
