import java.io.IOException;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassElement;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.nio.file.Path;

/**
 * Gives the classes of a jar that was made for Java 5 the format of Java 17, with the stack maps
 * that the format has had since Java 6. An AOT cache leaves out classes without them, so a JVM
 * parses and verifies each at every start. The code stays what it is.
 *
 * <p>{@code java -cp JAR ModernClasses.java JAR}: rewrites the jar in place; of a jar that has no such
 * class nothing changes.
 */
final class ModernClasses {
  /** The first format whose classes are verified by stack maps alone (JVM specification 4.10). */
  private static final int FIRST_WITH_STACK_MAPS = ClassFile.JAVA_6_VERSION;

  private ModernClasses() {}

  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 1) {
      System.err.println("usage: java -cp JAR ModernClasses.java JAR");
      System.exit(2);
    }
    JarClasses.change(
        Path.of(arguments[0]),
        (format, model) ->
            model.majorVersion() < FIRST_WITH_STACK_MAPS
                ? format.transformClass(model, ModernClasses::modern)
                : null);
  }

  private static void modern(ClassBuilder builder, ClassElement element) {
    if (element instanceof ClassFileVersion) {
      builder.withVersion(ClassFile.JAVA_17_VERSION, 0);
    } else {
      builder.with(element);
    }
  }
}
