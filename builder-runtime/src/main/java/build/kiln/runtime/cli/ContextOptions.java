package build.kiln.runtime.cli;

import build.kiln.runtime.build.BuildContexts;
import build.kiln.runtime.context.BuildContext;
import build.kiln.runtime.dockerfile.NamedContexts;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.store.OciLayout;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code --build-context NAME=VALUE}, as docker build has it: an image by {@code
 * docker-image://REFERENCE} or {@code oci-layout://FOLDER[:TAG][@DIGEST]}, else files as a build
 * context names them.
 */
final class ContextOptions implements AutoCloseable {
  private static final String IMAGE = "docker-image://";
  private static final String LAYOUT = "oci-layout://";

  /** No host has a name below it (RFC 2606), so that nothing is ever asked for there. */
  private static final String LAYOUT_REGISTRY = "oci-layout.invalid";

  private final Map<String, BuildContext> files = new HashMap<>();
  private final Map<String, String> images = new HashMap<>();
  private final Map<String, OciLayout> layouts = new HashMap<>();

  private ContextOptions() {}

  /**
   * Opens what is named.
   *
   * @throws CommandFailure if an option is wrong, or files cannot be had
   */
  static ContextOptions open(List<String> options, Engine engine) throws CommandFailure {
    var contexts = new ContextOptions();
    boolean good = false;
    try {
      for (String option : options) {
        contexts.add(option, engine);
      }
      good = true;
      return contexts;
    } finally {
      if (!good) {
        contexts.close();
      }
    }
  }

  private void add(String option, Engine engine) throws CommandFailure {
    int equals = option.indexOf('=');
    String name = equals < 0 ? "" : NamedContexts.familiar(option.substring(0, equals));
    String value = option.substring(equals + 1);
    if (name.isEmpty() || value.isEmpty()) {
      throw CommandFailure.usage("--build-context %s: want NAME=VALUE".formatted(option));
    }
    if (files.containsKey(name) || images.containsKey(name)) {
      throw CommandFailure.usage("--build-context %s: there are two of this name".formatted(name));
    }
    if (value.startsWith(IMAGE)) {
      images.put(name, image(name, value.substring(IMAGE.length())));
    } else if (value.startsWith(LAYOUT)) {
      OciLayout layout = layout(name, value.substring(LAYOUT.length()));
      String image = inLayout(name, layout.root().digest());
      images.put(name, image);
      layouts.put(image, layout);
    } else if (value.startsWith("target:")) {
      throw CommandFailure.usage(
          "--build-context %s: %s is a target of a bake file; an image is named as %sREFERENCE"
              .formatted(name, value, IMAGE));
    } else {
      files.put(name, files(name, value, engine));
    }
  }

  private static String image(String name, String reference) throws CommandFailure {
    try {
      return Reference.parse(reference).toString();
    } catch (OciException e) {
      throw CommandFailure.usage("--build-context %s: %s".formatted(name, e.getMessage()));
    }
  }

  private static OciLayout layout(String name, String place) throws CommandFailure {
    int at = place.indexOf('@');
    String path = at < 0 ? place : place.substring(0, at);
    int colon = path.indexOf(':');
    String folder = colon < 0 ? path : path.substring(0, colon);
    try {
      return OciLayout.open(
          Path.of(folder),
          colon < 0 ? null : path.substring(colon + 1),
          at < 0 ? null : Digest.parse(place.substring(at + 1)));
    } catch (IOException | OciException e) {
      throw CommandFailure.usage("--build-context %s: %s".formatted(name, e.getMessage()));
    }
  }

  /** What an image of a layout is called where images have names. */
  private static String inLayout(String name, Digest digest) {
    String readable = name.replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
    return "%s/%s@%s".formatted(LAYOUT_REGISTRY, readable.isEmpty() ? "image" : readable, digest);
  }

  private static BuildContext files(String name, String value, Engine engine)
      throws CommandFailure {
    if (value.equals("-")) {
      throw CommandFailure.usage(
          "--build-context %s: standard input is for the context".formatted(name));
    }
    if (!FarContexts.isFar(value)) {
      try {
        return engine.openFolder(Path.of(value));
      } catch (IOException e) {
        throw CommandFailure.usage("--build-context %s: %s".formatted(name, e.getMessage()));
      }
    }
    FarContexts.Far far = new FarContexts(engine).open(value);
    if (far.dockerfile() != null) {
      throw CommandFailure.usage("--build-context %s: %s is no archive".formatted(name, value));
    }
    return far.context();
  }

  BuildContexts contexts() {
    return new BuildContexts(files, images, layouts);
  }

  @Override
  public void close() {
    for (BuildContext context : files.values()) {
      try {
        context.close();
      } catch (IOException e) {
        // What it held goes with the store's scratch folder.
      }
    }
  }
}
