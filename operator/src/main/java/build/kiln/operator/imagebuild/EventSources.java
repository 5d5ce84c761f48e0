package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuild;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import java.util.Objects;
import java.util.Set;

/**
 * The Jobs and pods of builds, chosen by label at the API server. Updates count only when they
 * change what a decision looks at: kubelet touches a pod far more often.
 */
final class EventSources {
  private EventSources() {}

  static InformerEventSource<Job, ImageBuild> jobs(EventSourceContext<ImageBuild> context) {
    return new InformerEventSource<>(
        InformerEventSourceConfiguration.from(Job.class, ImageBuild.class)
            .withName("jobs")
            .withLabelSelector(Labels.SELECTOR)
            .withNamespacesInheritedFromController()
            .withSecondaryToPrimaryMapper(EventSources::build)
            .withOnUpdateFilter(EventSources::changed)
            .withItemStore(new LeanStore<>())
            .build(),
        context);
  }

  static InformerEventSource<Pod, ImageBuild> pods(EventSourceContext<ImageBuild> context) {
    return new InformerEventSource<>(
        InformerEventSourceConfiguration.from(Pod.class, ImageBuild.class)
            .withName("pods")
            .withLabelSelector(Labels.SELECTOR)
            .withNamespacesInheritedFromController()
            .withSecondaryToPrimaryMapper(EventSources::build)
            .withOnUpdateFilter(EventSources::changed)
            .withItemStore(new LeanStore<>())
            .build(),
        context);
  }

  /** Whether an ImageBuild changed in what is decided upon; its own status is not. */
  static boolean changed(ImageBuild now, ImageBuild before) {
    return !Objects.equals(now.getMetadata().getGeneration(), before.getMetadata().getGeneration())
        || !Objects.equals(
            Labels.annotation(now, ImageBuild.REBUILD_ANNOTATION),
            Labels.annotation(before, ImageBuild.REBUILD_ANNOTATION))
        || leaves(now, before)
        || !Objects.equals(now.getSpec(), before.getSpec());
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

  private static Set<ResourceID> build(HasMetadata owned) {
    var name = Labels.annotation(owned, Labels.NAME);
    return name == null
        ? Set.of()
        : Set.of(new ResourceID(name, owned.getMetadata().getNamespace()));
  }
}
