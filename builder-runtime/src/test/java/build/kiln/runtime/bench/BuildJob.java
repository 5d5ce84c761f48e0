package build.kiln.runtime.bench;

import java.nio.file.Path;
import java.util.Optional;

/**
 * One build, of the {@code Dockerfile} in its context.
 *
 * @param image the name to give and to push under
 * @param cacheTo a repository with tag that gets the steps of all stages
 * @param cacheFrom a repository with tag to look them up in
 */
record BuildJob(
    Path context,
    String image,
    boolean push,
    Optional<String> cacheTo,
    Optional<String> cacheFrom) {

  static BuildJob local(Path context, String image) {
    return new BuildJob(context, image, false, Optional.empty(), Optional.empty());
  }

  static BuildJob push(Path context, String image) {
    return new BuildJob(context, image, true, Optional.empty(), Optional.empty());
  }

  BuildJob withCacheTo(String repository) {
    return new BuildJob(context, image, push, Optional.of(repository), cacheFrom);
  }

  BuildJob withCacheFrom(String repository) {
    return new BuildJob(context, image, push, cacheTo, Optional.of(repository));
  }
}
