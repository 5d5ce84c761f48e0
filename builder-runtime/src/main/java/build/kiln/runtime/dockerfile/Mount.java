package build.kiln.runtime.dockerfile;

import org.jspecify.annotations.Nullable;

/**
 * One {@code RUN --mount}, with its variables expanded and its options checked. What is null was
 * not given; defaults that depend on the build are the engine's.
 *
 * @param from a stage, named context or image; null is the build context for bind
 * @param readOnly by default true for all but cache and tmpfs
 * @param required of secrets and ssh: fail if there is none
 * @param sizeLimit of tmpfs, in bytes; 0 is no limit
 * @param id of cache, secret and ssh
 * @param sharing of cache
 * @param mode of cache, secret and ssh: permission bits
 * @param env of secret: the variable that gets its content
 */
public record Mount(
    Type type,
    @Nullable String from,
    @Nullable String source,
    @Nullable String target,
    boolean readOnly,
    boolean required,
    long sizeLimit,
    @Nullable String id,
    Sharing sharing,
    @Nullable Integer mode,
    @Nullable Long uid,
    @Nullable Long gid,
    @Nullable String env) {

  /** The owner's number; root's if none is given. */
  public int userId() {
    return uid == null ? 0 : uid.intValue();
  }

  /** The group's number; root's if none is given. */
  public int groupId() {
    return gid == null ? 0 : gid.intValue();
  }

  /** The permission bits. */
  public int modeOr(int otherwise) {
    return mode == null ? otherwise : mode;
  }

  /** The kinds, in lower case as written. */
  public enum Type {
    BIND,
    CACHE,
    TMPFS,
    SECRET,
    SSH
  }

  /** What happens when two steps use one cache at once. */
  public enum Sharing {
    SHARED,
    PRIVATE,
    LOCKED
  }
}
