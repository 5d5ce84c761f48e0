package build.kiln.operator.scheduled;

/**
 * What a kind is called where.
 *
 * @param controller the name of its controller, such as imagemirror
 * @param kind in messages, such as ImageMirror
 * @param event what the reasons of its events begin with, such as Mirror
 * @param running the reason of Ready while a pod runs, such as Mirroring
 * @param metric what its metrics are called by, such as mirror
 * @param component the value of the label by which its Jobs are known, such as kiln-mirror
 * @param nameKey the annotation of Jobs that has the resource's name
 * @param wishKey the annotation by which a user asks for a run
 */
public record Words(
    String controller,
    String kind,
    String event,
    String running,
    String metric,
    String component,
    String nameKey,
    String wishKey) {}
