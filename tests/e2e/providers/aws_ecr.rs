//! The provider `aws-ecr`.
