package build.kiln.runtime.build;

import build.kiln.runtime.cache.CacheEntry;
import build.kiln.runtime.cache.RegistryCache;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.cache.StepCache.Done;
import build.kiln.runtime.cache.StepCache.Mode;
import build.kiln.runtime.cache.StepCache.Target;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Concurrently;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes the steps of a build into the registries' caches. That it cannot is told, and is no
 * failure of the build, whose image is there already.
 */
final class CacheExport {
  private final BuildEnvironment environment;
  private final StepCache cache;
  private final BuildProgress progress;

  CacheExport(BuildEnvironment environment, StepCache cache, BuildProgress progress) {
    this.environment = environment;
    this.cache = cache;
    this.progress = progress;
  }

  /**
   * @param pushed repositories that have the image's layers by now, to mount them from
   */
  void write(BuildResult result, List<Reference> pushed) throws InterruptedException {
    for (Target target : cache.targets()) {
      Reference repository = target.cache().repository();
      BuildProgress.Activity exporting = progress.export("exporting cache to " + repository);
      try {
        write(target, result, pushed, exporting);
        exporting.done();
      } catch (IOException e) {
        if (Failures.isInterrupt(e)) {
          throw new InterruptedException("the export of the cache was ended");
        }
        exporting.note(Failures.message(e));
        exporting.done();
        progress.warn(
            "the cache in %s is not written: %s".formatted(repository, Failures.message(e)), null);
      }
    }
  }

  private void write(
      Target target, BuildResult result, List<Reference> pushed, BuildProgress.Activity exporting)
      throws IOException {
    List<Done> steps = new ArrayList<>(cache.steps());
    if (target.mode() == Mode.min) {
      Set<Digest> inImage = new HashSet<>(result.config().rootfs().diffIds());
      steps.removeIf(step -> !inImage.contains(step.entry().diffId()));
    }
    RegistryCache registry = target.cache();
    var entries = new LinkedHashSet<>(steps.stream().map(Done::entry).toList());
    List<CacheEntry> missing =
        entries.stream().filter(entry -> cache.isWithdrawn() || !registry.lists(entry)).toList();
    // A layer that several steps have in common goes once.
    Set<Descriptor> layers = new LinkedHashSet<>(missing.stream().map(CacheEntry::layer).toList());
    Concurrently.all(layers, layer -> push(registry, layer, result, pushed, exporting));
    Concurrently.all(missing, entry -> registry.write(entry, cache.isWithdrawn()));
    registry.writeList(List.copyOf(entries), () -> cache.madeOf(steps));
  }

  private void push(
      RegistryCache target,
      Descriptor layer,
      BuildResult result,
      List<Reference> pushed,
      BuildProgress.Activity exporting)
      throws IOException {
    Map<Digest, Reference> served = cache.served();
    Reference origin = served.get(layer.digest());
    var mountFrom = new ArrayList<Reference>();
    if (result.layers().stream().anyMatch(l -> l.digest().equals(layer.digest()))) {
      mountFrom.addAll(pushed);
    }
    if (origin != null) {
      mountFrom.add(origin);
    }
    var downloads = new Downloads(environment.store(), environment.registry());
    environment
        .registry()
        .pushBlob(
            target.repository(), layer, downloads.source(origin, layer, exporting), mountFrom);
  }
}
