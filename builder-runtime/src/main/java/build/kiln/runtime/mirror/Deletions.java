package build.kiln.runtime.mirror;

import build.kiln.runtime.oci.Digest;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which tags of a destination's repository go, since the source has them no more. Pure.
 *
 * @param tags to delete, by name; none if there are too many
 * @param gone how many are no longer wanted
 * @param tooMany whether that is more than may be deleted at once
 */
record Deletions(List<String> tags, int gone, boolean tooMany) {
  Deletions {
    tags = List.copyOf(tags);
  }

  /**
   * @param written what this mirror wrote, tags with their digests
   * @param wanted what it wants now
   * @param percent the most that may go at once, of what it wrote, rounded up
   */
  static Deletions of(Map<String, Digest> written, Set<String> wanted, int percent) {
    List<String> gone =
        written.keySet().stream().filter(tag -> !wanted.contains(tag)).sorted().toList();
    long most = Math.ceilDiv((long) written.size() * percent, 100);
    boolean tooMany = gone.size() > most;
    return new Deletions(tooMany ? List.of() : gone, gone.size(), tooMany);
  }
}
