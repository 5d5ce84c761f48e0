package build.kiln.runtime.bench;

import java.io.IOException;
import java.nio.file.Path;

/**
 * One line of the table for each builder.
 *
 * @param id a short name, for {@code --only}
 * @param title what the table says
 * @param context writes the build context with its Dockerfile
 * @param change what is changed in it after a build that comes before; only for {@link Start#BUILT}
 */
record Workload(String id, String title, Start start, Content context, Content change) {

  /** What a builder has when it starts. */
  enum Start {
    /** Nothing: the base is in the registry only. */
    EMPTY,
    /** It has used the base in a RUN. */
    BASE,
    /** It has built and pushed the image before the change. */
    BUILT,
    /** Nothing, but another of its kind has filled a cache in the registry. */
    CACHE,
    /**
     * As {@link #BASE}; it is measured until the first step prints {@link Stopwatch#FIRST_STEP}.
     */
    FIRST_STEP,
    /** No build at all: the command's version. */
    VERSION
  }

  /** Writes files into a context. */
  @FunctionalInterface
  interface Content {
    Content NONE = folder -> {};

    void write(Path folder) throws IOException;
  }

  static Workload of(String id, String title, Start start, Content context) {
    return new Workload(id, title, start, context, Content.NONE);
  }

  static Workload changed(String id, String title, Content context, Content change) {
    return new Workload(id, title, Start.BUILT, context, change);
  }
}
