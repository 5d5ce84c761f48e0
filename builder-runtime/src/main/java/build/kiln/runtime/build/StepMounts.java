package build.kiln.runtime.build;

import build.kiln.runtime.rootfs.MountPoint;
import build.kiln.runtime.sandbox.SecretVariable;
import build.kiln.runtime.sandbox.StepMount;
import build.kiln.runtime.store.CacheMounts;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the mounts of one RUN came to while it runs; closing gives up what they hold. */
final class StepMounts implements AutoCloseable {
  private final List<MountPoint> points = new ArrayList<>();
  private final List<StepMount> mounts = new ArrayList<>();
  private final List<SecretVariable> variables = new ArrayList<>();
  private final Map<String, String> environment = new HashMap<>();
  private final Map<String, CacheMounts.Lease> caches = new HashMap<>();
  private final Deque<Held> held = new ArrayDeque<>();

  /** Something that is held while the step runs. */
  @FunctionalInterface
  interface Held {
    void release() throws IOException;
  }

  /** Mounts it on a place that is there once the root is prepared. */
  void mount(MountPoint point, StepMount mount) {
    points.add(point);
    mounts.add(mount);
  }

  /** Mounts it on a place that is not in the root, such as one in /dev. */
  void mount(StepMount mount) {
    mounts.add(mount);
  }

  /** Puts it in place, where nothing can be mounted. */
  void place(MountPoint point) {
    points.add(point);
  }

  /** Sets a variable of the step; of several values the first. */
  void environment(String name, String value) {
    environment.putIfAbsent(name, value);
  }

  Map<String, String> environment() {
    return environment;
  }

  void variable(SecretVariable variable) {
    variables.add(variable);
  }

  /** A cache that the step has already; null if it has not. */
  CacheMounts.@Nullable Lease cache(String key) {
    return caches.get(key);
  }

  void hold(String key, CacheMounts.Lease cache) {
    caches.put(key, cache);
    held.push(cache::close);
  }

  void hold(Held what) {
    held.push(what);
  }

  List<MountPoint> points() {
    return points;
  }

  List<StepMount> mounts() {
    return mounts;
  }

  List<SecretVariable> variables() {
    return variables;
  }

  @Override
  public void close() throws IOException {
    IOException failure = null;
    while (!held.isEmpty()) {
      try {
        held.pop().release();
      } catch (IOException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
