package build.kiln.operator.job;

import build.kiln.api.v1alpha1.KilnResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.filter.OnUpdateFilter;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The Jobs and pods of a kind's runs, chosen by label at the API server. Updates count only when
 * they change what a decision looks at: kubelet touches a pod far more often.
 *
 * @param component the kind's value of {@link Labels#COMPONENT}
 * @param owner the annotation that has the resource's name
 * @param namespace where all runs are if the kind itself has no namespace; null if a run is where
 *     its resource is
 */
public record EventSources(String component, String owner, @Nullable String namespace) {

  /** What tells of Jobs, and what of pods. */
  public <R extends HasMetadata> List<EventSource<?, R>> of(
      Class<R> kind, EventSourceContext<R> context) {
    return List.of(
        source(Job.class, "jobs", EventSources::changed, kind, context),
        source(Pod.class, "pods", EventSources::changed, kind, context));
  }

  private <T extends HasMetadata, R extends HasMetadata> InformerEventSource<T, R> source(
      Class<T> type,
      String name,
      OnUpdateFilter<T> filter,
      Class<R> kind,
      EventSourceContext<R> context) {
    var configuration =
        InformerEventSourceConfiguration.from(type, kind)
            .withName(name)
            .withLabelSelector(Labels.selector(component))
            .withSecondaryToPrimaryMapper(this::resource)
            .withOnUpdateFilter(filter)
            .withItemStore(new LeanStore<>());
    return new InformerEventSource<>(
        (namespace == null
                ? configuration.withNamespacesInheritedFromController()
                : configuration.withNamespaces(Set.of(namespace)))
            .build(),
        context);
  }

  /**
   * Whether a resource changed in what is decided upon; its own status is not.
   *
   * @param annotation by which a user asks for a run
   */
  public static boolean changed(
      KilnResource<?, ?> now, KilnResource<?, ?> before, String annotation) {
    return !Objects.equals(now.getMetadata().getGeneration(), before.getMetadata().getGeneration())
        || !Objects.equals(
            Labels.annotation(now, annotation), Labels.annotation(before, annotation))
        || !Objects.equals(now.getSpec(), before.getSpec())
        || leaves(now, before);
  }

  private static boolean changed(Job now, Job before) {
    return leaves(now, before)
        || now.getStatus() == null
        || before.getStatus() == null
        || !Objects.equals(now.getStatus().getConditions(), before.getStatus().getConditions());
  }

  private static boolean changed(Pod now, Pod before) {
    return leaves(now, before)
        || now.getStatus() == null
        || before.getStatus() == null
        || !Objects.equals(now.getStatus().getPhase(), before.getStatus().getPhase())
        || !Objects.equals(
            now.getStatus().getContainerStatuses(), before.getStatus().getContainerStatuses())
        || !Objects.equals(now.getStatus().getConditions(), before.getStatus().getConditions());
  }

  private static boolean leaves(HasMetadata now, HasMetadata before) {
    return !Objects.equals(
        now.getMetadata().getDeletionTimestamp(), before.getMetadata().getDeletionTimestamp());
  }

  private Set<ResourceID> resource(HasMetadata owned) {
    var name = Labels.annotation(owned, owner);
    return name == null
        ? Set.of()
        : Set.of(
            new ResourceID(name, namespace == null ? owned.getMetadata().getNamespace() : null));
  }
}
