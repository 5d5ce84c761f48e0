package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuildSpec.NamedContext;
import build.kiln.api.v1alpha1.ImageBuildSpec.Source;
import build.kiln.api.work.WorkOrder;
import build.kiln.runtime.build.BuildContexts;
import build.kiln.runtime.build.BuildException;
import build.kiln.runtime.context.BuildContext;
import build.kiln.runtime.dockerfile.NamedContexts;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The named contexts of an order: {@code spec.contexts}. */
final class OrderContexts implements AutoCloseable {
  private final Map<String, BuildContext> files = new HashMap<>();
  private final Map<String, String> images = new HashMap<>();

  private OrderContexts() {}

  /**
   * Opens them, one after another.
   *
   * @throws BuildException if one cannot be had, with its name
   */
  static OrderContexts open(WorkOrder order, OrderPlaces places, LocalStore store)
      throws BuildException, IOException {
    var contexts = new OrderContexts();
    boolean good = false;
    try {
      Set<String> names = new TreeSet<>();
      List<NamedContext> all =
          Optional.ofNullable(order.resource().getSpec().contexts()).orElse(List.of());
      for (NamedContext named : all) {
        if (!names.add(NamedContexts.familiar(named.name()))) {
          throw invalid(named, "two contexts have names that are the same to a Dockerfile", null);
        }
        contexts.add(named, order, places, store);
      }
      good = true;
      return contexts;
    } finally {
      if (!good) {
        contexts.close();
      }
    }
  }

  private void add(NamedContext named, WorkOrder order, OrderPlaces places, LocalStore store)
      throws BuildException {
    Source source = named.source();
    if (source == null) {
      images.put(named.name(), reference(named));
      return;
    }
    String field = "contexts[%s]".formatted(named.name());
    try {
      files.put(named.name(), places.openContext(source, field, null, store, order.settings()));
    } catch (BuildException e) {
      throw new BuildException(e.reason(), field + ": " + e.getMessage(), e);
    }
  }

  private static String reference(NamedContext named) throws BuildException {
    String image = named.image() == null ? "" : named.image().image();
    try {
      return Reference.parse(image).toString();
    } catch (OciException e) {
      throw invalid(named, String.valueOf(e.getMessage()), e);
    }
  }

  private static BuildException invalid(
      NamedContext named, String message, @Nullable Throwable cause) {
    return new BuildException(
        FailureReason.SpecInvalid, "contexts[%s]: %s".formatted(named.name(), message), cause);
  }

  BuildContexts contexts() {
    return new BuildContexts(files, images, Map.of());
  }

  @Override
  public void close() throws IOException {
    for (BuildContext context : files.values()) {
      context.close();
    }
  }
}
