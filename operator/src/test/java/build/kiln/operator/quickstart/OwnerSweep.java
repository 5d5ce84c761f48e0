package build.kiln.operator.quickstart;

import build.kiln.api.v1alpha1.ImageBuild;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Kubernetes' garbage collection, for an API server that has none: what an ImageBuild or a Job
 * owned goes when its owner is gone.
 */
final class OwnerSweep implements AutoCloseable {
  private static final Set<String> OWNERS = Set.of("ImageBuild", "Job");

  private final KubernetesClient client;
  private final ControlLoop loop = new ControlLoop("owner-sweep");
  private final List<SharedIndexInformer<?>> informers;

  /** Starts to watch. */
  OwnerSweep(KubernetesClient client) {
    this.client = client;
    this.informers =
        List.of(
            client
                .resources(ImageBuild.class)
                .inAnyNamespace()
                .inform(Watching.existence(build -> {}, build -> loop.soon(this::sweep))),
            client
                .batch()
                .v1()
                .jobs()
                .inAnyNamespace()
                .inform(
                    Watching.existence(
                        job -> loop.soon(this::sweep), job -> loop.soon(this::sweep))),
            // Made while its owner went.
            client
                .pods()
                .inAnyNamespace()
                .inform(Watching.existence(pod -> loop.soon(this::sweep), pod -> {})));
  }

  private void sweep() {
    // First the owned, then the owners: so none is missed that is being made right now.
    var owned =
        Stream.of(
                jobs(),
                client.pods().inAnyNamespace().list().getItems(),
                client.configMaps().inAnyNamespace().list().getItems())
            .flatMap(List::stream)
            .toList();
    var alive =
        Stream.of(client.resources(ImageBuild.class).inAnyNamespace().list().getItems(), jobs())
            .flatMap(List::stream)
            .map(owner -> owner.getMetadata().getUid())
            .collect(Collectors.toSet());
    owned.stream().filter(resource -> orphaned(resource, alive)).forEach(this::delete);
  }

  private List<? extends HasMetadata> jobs() {
    return client.batch().v1().jobs().inAnyNamespace().list().getItems();
  }

  private void delete(HasMetadata resource) {
    client.resource(resource).delete();
  }

  private static boolean orphaned(HasMetadata resource, Set<String> alive) {
    var owners =
        resource.getMetadata().getOwnerReferences().stream()
            .filter(owner -> OWNERS.contains(owner.getKind()))
            .toList();
    return !owners.isEmpty() && owners.stream().noneMatch(owner -> alive.contains(owner.getUid()));
  }

  @Override
  public void close() {
    informers.forEach(SharedIndexInformer::close);
    loop.close();
  }
}
