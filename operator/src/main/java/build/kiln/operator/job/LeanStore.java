package build.kiln.operator.job;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.informers.cache.BasicItemStore;
import io.fabric8.kubernetes.client.informers.cache.Cache;
import org.jspecify.annotations.Nullable;

/**
 * An informer's store that forgets who manages which field, and what kubectl applied last: half of
 * an object's memory, and of no use here.
 */
public final class LeanStore<R extends HasMetadata> extends BasicItemStore<R> {
  private static final String LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

  public LeanStore() {
    super(Cache::metaNamespaceKeyFunc);
  }

  @Override
  public @Nullable R put(String key, R resource) {
    var meta = resource.getMetadata();
    meta.setManagedFields(null);
    if (meta.getAnnotations() != null) {
      meta.getAnnotations().remove(LAST_APPLIED);
    }
    return super.put(key, resource);
  }
}
