package build.kiln.runtime.bench;

import java.util.List;
import java.util.Optional;

/**
 * What is to be copied: all tags of some repositories, or one image.
 *
 * @param from the source's registry as {@code host:port}
 * @param to what is put before a repository's name, {@code host:port/path}
 * @param tag the only one; empty for all
 */
record CopyJob(String from, String to, List<String> repositories, Optional<String> tag) {
  CopyJob {
    repositories = List.copyOf(repositories);
  }

  /** The registry that is copied to. */
  String toRegistry() {
    return to.substring(0, to.indexOf('/'));
  }

  /** The one image's name at the source. */
  String fromImage() {
    return from + "/" + image();
  }

  /** The one image's name at the destination. */
  String toImage() {
    return to + "/" + image();
  }

  private String image() {
    return repositories.getFirst() + ":" + tag.orElseThrow();
  }
}
