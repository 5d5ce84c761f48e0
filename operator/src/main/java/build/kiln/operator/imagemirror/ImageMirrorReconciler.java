package build.kiln.operator.imagemirror;

import build.kiln.api.v1alpha1.ImageMirror;
import build.kiln.api.v1alpha1.ImageMirrorStatus;
import build.kiln.api.work.MirrorReport;
import build.kiln.operator.job.Limits;
import build.kiln.operator.scheduled.ScheduledReconciler;
import build.kiln.operator.settings.Settings;
import io.javaoperatorsdk.operator.api.config.ControllerConfigurationOverrider;

/** Brings ImageMirrors to their destination, whenever it is time. */
public final class ImageMirrorReconciler
    extends ScheduledReconciler<ImageMirror, ImageMirrorStatus, MirrorReport> {
  private final Settings settings;

  public ImageMirrorReconciler(Parts parts) {
    super(
        new MirrorKind(parts.settings()),
        new Limits(
            parts.settings().maxConcurrentMirrors(),
            parts.settings().maxConcurrentMirrorsPerNamespace()),
        parts);
    this.settings = parts.settings();
  }

  /** How the controller runs. */
  public void configure(ControllerConfigurationOverrider<ImageMirror> controller) {
    configure(controller, settings.watchNamespaces());
  }
}
